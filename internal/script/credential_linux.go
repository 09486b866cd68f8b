package script

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrInsecure is the error of a Secure command whose program, or a directory on the way to it, can
// be written by somebody else than root: whoever can would become root by it.
var ErrInsecure = errors.New("others than root can change it")

// prepare finds what a command runs, and as whom.
func prepare(c Command) (program string, attributes *syscall.SysProcAttr, err error) {
	if program, err = find(c.Line); err != nil {
		return "", nil, err
	}
	attributes = &syscall.SysProcAttr{Setpgid: true}
	uid, gid, err := identity(c)
	if err != nil {
		return "", nil, err
	}
	if uid != os.Geteuid() || gid != os.Getegid() {
		attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)} // and no other groups
	}
	if c.Secure && uid == 0 {
		if err := secure(program, maxLinks); err != nil {
			return "", nil, err
		}
	}
	return program, attributes, nil
}

// find is the program of a line, by its whole path.
func find(l Line) (string, error) {
	words := l.Words()
	if len(words) == 0 {
		return "", fmt.Errorf("start script: %w", os.ErrInvalid)
	}
	if filepath.IsAbs(words[0]) {
		return words[0], nil
	}
	if strings.Contains(words[0], "/") {
		return "/" + words[0], nil // it runs in /
	}
	for dir := range strings.SplitSeq(Path, ":") {
		path := filepath.Join(dir, words[0])
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("find %s in %s: %w", words[0], Path, os.ErrNotExist)
}

// identity is whom a command runs as.
func identity(c Command) (uid, gid int, err error) {
	uid, gid = os.Geteuid(), os.Getegid()
	if c.User == "" && uid == 0 {
		if u, err := user.Lookup(DefaultUser); err == nil {
			c.User = u.Uid
		}
	}
	if c.User != "" {
		u, err := user.Lookup(c.User)
		if err != nil {
			u, err = user.LookupId(c.User)
		}
		switch number, bad := strconv.ParseUint(c.User, 10, 31); {
		case err == nil:
			if uid, gid, err = numbers(u); err != nil {
				return 0, 0, fmt.Errorf("find user %s: %w", c.User, err)
			}
		case bad == nil: // a user that is in no file may still have a number
			uid = int(number)
		default:
			return 0, 0, fmt.Errorf("find user %s: %w", c.User, err)
		}
	}
	if c.Group == "" {
		return uid, gid, nil
	}
	if g, err := user.LookupGroup(c.Group); err == nil {
		gid, err = strconv.Atoi(g.Gid)
		return uid, gid, err
	}
	number, err := strconv.ParseUint(c.Group, 10, 31)
	if err != nil {
		return 0, 0, fmt.Errorf("find group: %w", user.UnknownGroupError(c.Group))
	}
	return uid, int(number), nil
}

func numbers(u *user.User) (uid, gid int, err error) {
	uid, err = strconv.Atoi(u.Uid)
	if err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	return uid, gid, err
}

// maxLinks is how many symbolic links are followed, as by the kernel (path_resolution(7)).
const maxLinks = 40

// secure says which part of a path can be changed by others than root, following its links.
func secure(path string, links int) error {
	if links == 0 {
		return fmt.Errorf("look at %s: %w", path, unix.ELOOP)
	}
	parts := strings.Split(strings.Trim(filepath.Clean(path), "/"), "/")
	at := "/"
	for k := -1; k < len(parts); k++ {
		if k >= 0 {
			at = filepath.Join(at, parts[k])
		}
		var stat unix.Stat_t
		if err := unix.Lstat(at, &stat); err != nil {
			return fmt.Errorf("look at %s: %w", at, err)
		}
		link := stat.Mode&unix.S_IFMT == unix.S_IFLNK
		if stat.Uid != 0 || !link && (stat.Mode&0o002 != 0 || stat.Mode&0o020 != 0 && stat.Gid != 0) {
			return fmt.Errorf("run %s as root: %s: %w", path, at, ErrInsecure)
		}
		if link {
			target, err := os.Readlink(at)
			if err != nil {
				return fmt.Errorf("follow %s: %w", at, err)
			}
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(at), target)
			}
			return secure(filepath.Join(append([]string{target}, parts[k+1:]...)...), links-1)
		}
	}
	return nil
}
