package director

import (
	"fmt"
	"strings"
	"time"

	"lvsd/internal/conf"
	"lvsd/internal/script"
)

// timeoutsText, syncText and flagText write what keepalived.conf has behind the word.
func timeoutsText(t conf.LVSTimeouts) string {
	var words []string
	for _, w := range []struct {
		name string
		d    time.Duration
	}{{"tcp", t.TCP}, {"tcpfin", t.TCPFin}, {"udp", t.UDP}} {
		if w.d != 0 {
			words = append(words, fmt.Sprintf("%s %d", w.name, w.d/time.Second))
		}
	}
	return strings.Join(words, " ")
}

func syncText(s *conf.SyncDaemon) string {
	if s.Interface == "" {
		return ""
	}
	text := s.Interface
	if s.Instance != "" {
		text += " inst " + s.Instance
	}
	text += fmt.Sprintf(" id %d", s.ID)
	if s.MaxLen != 0 {
		text += fmt.Sprintf(" maxlen %d", s.MaxLen)
	}
	return text + fmt.Sprintf(" port %d ttl %d group %s", s.Port, s.TTL, s.Group)
}

func flagText(set bool) string {
	if set {
		return "true"
	}
	return ""
}

// programText is a program as it is written, with whom it runs as.
func programText(p conf.Program) string {
	if len(p.Words) == 0 {
		return ""
	}
	text := script.NewLine(p.Words...).String()
	if p.User != "" {
		text += strings.TrimRight(" as "+p.User+":"+p.Group, ":")
	}
	return text
}

// delayText is a time; 0 is none.
func delayText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
