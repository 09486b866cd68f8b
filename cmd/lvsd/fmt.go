package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"lvsd/internal/conf"
)

// exitUnformatted is the exit code of fmt --check where a file is not as fmt would leave it.
const exitUnformatted = 3

// maxInput bounds what fmt reads of standard input, in bytes, as a configuration file is bounded.
const maxInput = 64 << 20

func fmtCommand() *cobra.Command {
	var f formatter
	c := &cobra.Command{
		Use:   "fmt [FILE|DIR|-]...",
		Short: "Format HCL files in place",
		Long: `Format HCL files in place: the named ones, those of the named directories whose names end in .hcl,
or those of the current directory. The names of changed files are printed. With - standard input
is formatted to standard output.
Exit code 0: done; 1: a file cannot be read, written or understood; 2: the command line is wrong;
3: with --check, a file is not formatted.`,
		RunE: func(_ *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{"."}
			}
			return f.run(paths)
		},
	}
	c.Flags().BoolVar(&f.check, "check", false, "write nothing; exit with code 3 if a file is not formatted")
	c.Flags().BoolVar(&f.diff, "diff", false, "print what changes as a unified diff")
	return c
}

// formatter formats files one by one and remembers how that went.
type formatter struct {
	check, diff         bool
	failed, unformatted bool
}

func (f *formatter) run(paths []string) error {
	for _, path := range paths {
		if path == "-" {
			f.input()
			continue
		}
		files, err := hclFiles(path)
		if err != nil {
			f.fail(path, err)
		}
		for _, file := range files {
			f.file(file)
		}
	}
	switch {
	case f.failed:
		return exit{exitFailure}
	case f.check && f.unformatted:
		return exit{exitUnformatted}
	}
	return nil
}

func (f *formatter) fail(path string, err error) {
	f.failed = true
	fmt.Fprintf(os.Stderr, "lvsd: %q: %v\n", path, err)
}

// hclFiles are the file itself, or the files in a directory that are a configuration.
func hclFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	if info.IsDir() {
		return conf.HCLFiles(path)
	}
	if filepath.Ext(path) != ".hcl" {
		return nil, errors.New("only files whose names end in .hcl are formatted")
	}
	return []string{path}, nil
}

// input formats standard input to standard output.
func (f *formatter) input() {
	src, err := io.ReadAll(io.LimitReader(os.Stdin, maxInput+1))
	if err == nil && len(src) > maxInput {
		err = fmt.Errorf("too large: a configuration has at most %d MiB", maxInput>>20)
	}
	if err != nil {
		f.fail("-", err)
		return
	}
	formatted, ok := f.format("<stdin>", src)
	if !ok {
		return
	}
	if !bytes.Equal(src, formatted) {
		f.unformatted = true
		f.show("<stdin>", src, formatted)
	}
	if f.check || f.diff {
		return
	}
	if _, err := os.Stdout.Write(formatted); err != nil {
		f.fail("-", err)
	}
}

func (f *formatter) file(path string) {
	src, err := conf.ReadFile(path)
	if err != nil {
		f.fail(path, err)
		return
	}
	formatted, ok := f.format(path, src)
	if !ok || bytes.Equal(src, formatted) {
		return
	}
	f.unformatted = true
	fmt.Println(path)
	f.show(path, src, formatted)
	if f.check {
		return
	}
	if err := replace(path, formatted); err != nil {
		f.fail(path, err)
	}
}

// format returns the text formatted, and false where it is not HCL, which is reported.
func (f *formatter) format(name string, src []byte) ([]byte, bool) {
	result := conf.SyntaxHCL(name, src)
	if !result.Diags.HasErrors() {
		return hclwrite.Format(src), true
	}
	f.failed = true
	if err := result.WriteDiagnostics(os.Stderr, terminal(os.Stderr)); err != nil {
		fmt.Fprintln(os.Stderr, "lvsd: print diagnostics:", err)
	}
	return nil, false
}

func (f *formatter) show(name string, src, formatted []byte) {
	if f.diff {
		fmt.Printf("%s", diff.Diff("old/"+name, src, "new/"+name, formatted))
	}
}

// replace writes a file in one step: a reader sees the old text or the new one, also after a
// crash. A symbolic link stays one; owner and permissions stay.
func replace(path string, text []byte) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(target), ".lvsd-fmt-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // of no effect once it is renamed
	_, err = f.Write(text)
	if err == nil {
		err = keepOwner(f, info)
	}
	if err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), target)
}

// keepOwner gives a file the owner of another one.
func keepOwner(f *os.File, like os.FileInfo) error {
	own, err := f.Stat()
	if err != nil {
		return err
	}
	is, was := own.Sys().(*syscall.Stat_t), like.Sys().(*syscall.Stat_t)
	if is.Uid == was.Uid && is.Gid == was.Gid {
		return nil
	}
	return f.Chown(int(was.Uid), int(was.Gid))
}
