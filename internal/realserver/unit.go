package realserver

import (
	"errors"
	"fmt"
	"strings"
)

// Unit writes a systemd unit (systemd.service(5)) that sets a real server up at every start of the host:
// program with the arguments of up, down and, to follow a changed configuration, up again. The error is
// of an argument that no unit can have.
func Unit(program string, up, down []string) (string, error) {
	start, err := command(append([]string{program}, up...))
	if err != nil {
		return "", err
	}
	stop, err := command(append([]string{program}, down...))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`[Unit]
Description=Real server of an LVS director: virtual addresses, tunnels, default route
# The addresses by which the host finds itself in the configuration have to be there.
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=%[1]s
# systemctl reload follows a configuration that was changed.
ExecReload=%[1]s
ExecStop=%[2]s

[Install]
WantedBy=multi-user.target
`, start, stop), nil
}

// command quotes a command for ExecStart.
func command(words []string) (string, error) {
	quoted := make([]string, len(words))
	for i, w := range words {
		if strings.ContainsFunc(w, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", errors.New("a unit cannot have the control characters of " + fmt.Sprintf("%q", w))
		}
		w = strings.NewReplacer("%", "%%", "$", "$$").Replace(w)
		if strings.ContainsAny(w, " \"'\\;") || w == "" {
			w = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w) + `"`
		}
		quoted[i] = w
	}
	return strings.Join(quoted, " "), nil
}
