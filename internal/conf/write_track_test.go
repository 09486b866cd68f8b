package conf

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// writeTrackers spells out what instances may track.
func writeTrackers(c *Config, s syntax, put func(...string)) {
	for _, c := range c.Scripts {
		put(s.open("vrrp_script", c.Name), s.script("script", c.Command.Words), s.word("interval", seconds(c.Interval)),
			s.word("timeout", seconds(c.Timeout)), s.word("rise", fmt.Sprint(c.Rise)), s.word("fall", fmt.Sprint(c.Fall)),
			s.flag("init_fail", c.InitFail))
		if c.Command.User != "" {
			put(s.args("user", strings.Fields(c.Command.User+" "+c.Command.Group)...))
		}
		put("}")
	}
	for _, f := range c.Files {
		put(s.open("track_file", f.Name), s.word("file", f.Path))
		init := []string{fmt.Sprint(f.InitValue)}
		if f.Overwrite {
			init = append(init, "overwrite")
		}
		if f.Init {
			put(s.args("init_file", init...))
		}
		put("}")
	}
	for _, p := range c.Processes {
		put(s.open("vrrp_track_process", p.Name), s.process(p.Words), s.flag("full_command", p.FullCommand),
			s.word("quorum", fmt.Sprint(p.Quorum)), s.word("fork_delay", seconds(p.ForkDelay)), s.word("terminate_delay", seconds(p.TerminateDelay)))
		if p.QuorumMax != maxProcesses {
			put(s.word("quorum_max", fmt.Sprint(p.QuorumMax)))
		}
		if p.ParamMatch != "" {
			put(s.args("param_match", string(p.ParamMatch)))
		}
		put("}")
	}
	for _, p := range c.Pings {
		put(s.open("vrrp_track_ping", p.Name), s.word("address", p.Address.String()), s.word("interval", seconds(p.Interval)),
			s.word("timeout", seconds(p.Timeout)), s.word("rise", fmt.Sprint(p.Rise)), s.word("fall", fmt.Sprint(p.Fall)), "}")
	}
	for _, t := range c.ServiceTrackers {
		server := []string{t.Address.Addr().String(), fmt.Sprint(t.Address.Port())}
		if t.FWMark != 0 {
			server = []string{"fwmark", fmt.Sprint(t.FWMark)}
		}
		if t.Group != "" {
			server = []string{"group", t.Group}
		}
		put(s.open("vrrp_track_service", t.Name), s.args("virtual_server", server...))
		if t.Protocol != "" {
			put(s.word("protocol", strings.ToUpper(string(t.Protocol))))
		}
		put("}")
	}
}

func (keepalivedSyntax) process(words []string) string { return "process " + commandLine(words) }

func (s hclSyntax) process(words []string) string { return s.script("process", words) }

// drawTracked draws lines about what is there to be tracked.
func drawTracked(t *rapid.T) []Tracked {
	var list []Tracked
	all := []Tracked{{Kind: TrackInterface, Name: "eth3"}, {Kind: TrackInterface, Name: "eth4"}}
	for _, name := range trackerNames() {
		for _, kind := range []TrackKind{TrackScript, TrackFile, TrackProcess, TrackPing} {
			all = append(all, Tracked{Kind: kind, Name: name})
		}
	}
	for _, l := range rapid.SliceOfDistinct(rapid.SampledFrom(all), rapid.ID[Tracked]).Draw(t, "tracked") {
		l.Weight = rapid.IntRange(-l.Kind.bound(), l.Kind.bound()).Draw(t, "weight")
		l.Reverse = rapid.Bool().Draw(t, "reverse")
		list = append(list, l)
	}
	return list
}

func trackerNames() []string { return []string{"web", "größe"} }

func drawMilliseconds(t *rapid.T, least int, what string) time.Duration {
	return time.Duration(rapid.IntRange(least, 86400_000).Draw(t, what)) * time.Millisecond
}

// drawTrackers draws what there is to be tracked, but for virtual servers.
func drawTrackers(t *rapid.T, c *Config) {
	word := rapid.StringMatching(`[ a-zä'"#!{}$%\\;&*~-]{0,8}`)
	words := func(first string) []string {
		return append([]string{first + word.Draw(t, "program")}, rapid.SliceOfN(word, 0, 3).Draw(t, "arguments")...)
	}
	for _, name := range trackerNames() {
		s := Script{Name: name, Command: Program{Words: words("/bin/x")},
			Interval: drawMilliseconds(t, 1, "interval"), Timeout: drawMilliseconds(t, 1, "timeout"),
			Rise: rapid.IntRange(1, maxRetry).Draw(t, "rise"), Fall: rapid.IntRange(1, maxRetry).Draw(t, "fall"),
			InitFail: rapid.Bool().Draw(t, "init_fail")}
		if s.Command.User = rapid.SampledFrom([]string{"", "nobody", "65534"}).Draw(t, "user"); s.Command.User != "" {
			s.Command.Group = rapid.SampledFrom([]string{"", "daemon"}).Draw(t, "group")
		}
		c.Scripts = append(c.Scripts, s)
		f := File{Name: name, Path: rapid.SampledFrom([]string{"/x", "/a b/ä"}).Draw(t, "path"), Init: rapid.Bool().Draw(t, "init_file")}
		if f.Init {
			f.Overwrite, f.InitValue = rapid.Bool().Draw(t, "overwrite"), rapid.IntRange(-maxFileValue, maxFileValue).Draw(t, "value")
		}
		c.Files = append(c.Files, f)
		p := Process{Name: name, Words: words("x"), FullCommand: true, QuorumMax: maxProcesses,
			ParamMatch: rapid.SampledFrom([]ParamMatch{ExactParameters, InitialParameters, PartialParameters}).Draw(t, "param_match"),
			Quorum:     rapid.IntRange(0, maxRetry).Draw(t, "quorum"),
			ForkDelay:  drawMilliseconds(t, 0, "fork_delay"), TerminateDelay: drawMilliseconds(t, 0, "terminate_delay")}
		if rapid.Bool().Draw(t, "bounded") {
			p.QuorumMax = rapid.IntRange(p.Quorum, maxRetry).Draw(t, "quorum_max")
		}
		if len(p.Words) == 1 && rapid.Bool().Draw(t, "name alone") {
			p.ParamMatch, p.FullCommand = "", rapid.Bool().Draw(t, "full_command")
		}
		c.Processes = append(c.Processes, p)
		c.Pings = append(c.Pings, Ping{Name: name, Address: rapid.SampledFrom([]netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")}).Draw(t, "address"),
			Interval: drawMilliseconds(t, 1, "interval"), Timeout: drawMilliseconds(t, 1, "timeout"), Rise: rapid.IntRange(1, maxRetry).Draw(t, "rise"), Fall: rapid.IntRange(1, maxRetry).Draw(t, "fall")})
	}
}

// drawServiceTrackers draws trackers of the virtual servers that are there.
func drawServiceTrackers(t *rapid.T, c *Config) {
	for k, v := range c.Services {
		if rapid.Bool().Draw(t, "tracked service") {
			c.ServiceTrackers = append(c.ServiceTrackers, ServiceTracker{Name: fmt.Sprint("s", k), Address: v.Address, FWMark: v.FWMark,
				Group: v.Group, Protocol: v.Protocol})
		}
	}
}
