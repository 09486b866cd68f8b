package main

import (
	"bytes"
	"fmt"
)

// archive is a cpio archive in the "newc" format, which the kernel unpacks as its first root file system
// (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	buf   bytes.Buffer
	inode int
}

// Modes of entries: type and permissions as in stat(2).
const (
	modeDir  = 0o040755
	modeFile = 0o100755
	modeChar = 0o020600
)

// add appends an entry; a directory has to come before what is in it.
func (a *archive) add(name string, mode int, data []byte) { a.entry(name, mode, data, 0, 0) }

func (a *archive) entry(name string, mode int, data []byte, major, minor int) {
	a.inode++
	fmt.Fprintf(&a.buf, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		a.inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name)+1, 0)
	a.buf.WriteString(name)
	a.buf.WriteByte(0)
	a.pad()
	a.buf.Write(data)
	a.pad()
}

func (a *archive) pad() {
	for a.buf.Len()%4 != 0 {
		a.buf.WriteByte(0)
	}
}

// bytes ends the archive and returns it.
func (a *archive) bytes() []byte {
	a.entry("TRAILER!!!", 0, nil, 0, 0)
	return a.buf.Bytes()
}
