package conf

import (
	"math"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lvsd/internal/conf/keepalived"
)

// What the words of trackers are where they are not written, in both languages.
const (
	fileWeight    = 1
	processWeight = 1
	processQuorum = 1
	pingInterval  = time.Second
	pingRise      = 1
	pingFall      = 3
	// maxProcesses is a quorum_max that bounds nothing.
	maxProcesses = math.MaxInt32
	maxFileValue = math.MaxInt32
)

// trackerBlock reads a block that defines something to be tracked; it takes no notice of others.
func (d *decoder) trackerBlock(n *keepalived.Node) {
	switch n.Name {
	case "vrrp_script":
		d.script(n)
	case "track_file":
		d.trackFile(n)
	case "vrrp_track_process":
		d.trackProcess(n)
	case "vrrp_track_ping":
		d.trackPing(n)
	case "vrrp_track_service":
		d.trackService(n)
	}
}

func (d *decoder) trackFile(n *keepalived.Node) {
	f := File{Range: n.Range}
	use := Tracked{Kind: TrackFile, Weight: fileWeight, Range: n.Range}
	d.text(n, &f.Name)
	given := false
	d.singles(n, never, func(c *keepalived.Node) {
		switch c.Name {
		case "file":
			given = true
			d.wholePath(c, &f.Path)
		case "weight":
			d.weight(c, maxFileValue, &use)
			// keepalived takes any number: beyond the bound it comes to the same with every value.
			use.Weight = min(max(use.Weight, -TrackFile.bound()), TrackFile.bound())
		case "init_file":
			d.initFile(c, &f)
		}
	})
	if !given {
		d.errorf(n.Range, "track_file %q has no file; write its whole path", f.Name)
	}
	if d.define(n.Name, f.Name, use) {
		d.cfg.Files = append(d.cfg.Files, f)
	}
}

// wholePath reads the path of a file, which does not depend on the directory that lvsd runs in.
func (d *decoder) wholePath(n *keepalived.Node, to *string) {
	w, ok := first(n)
	if !ok {
		return
	}
	if !filepath.IsAbs(w.Text) || !graphic(w.Text) {
		d.errorf(w.Range, "%s takes the whole path of a file, not %q", n.Keyword.Text, w.Text)
		return
	}
	*to = filepath.Clean(w.Text)
}

// initFile reads "init_file [VALUE] [overwrite]".
func (d *decoder) initFile(n *keepalived.Node, f *File) {
	if n.Broken {
		return
	}
	f.Init = true
	for k, w := range bare(n) {
		v, err := strconv.ParseInt(w.Text, 10, 64)
		switch {
		case w.Text == "overwrite":
			f.Overwrite = true
		case k == 0 && err == nil && v >= -maxFileValue && v <= maxFileValue:
			f.InitValue = int(v)
		default:
			d.errorf(w.Range, "init_file takes a whole number from -%d to %d, and \"overwrite\" behind it, not %q", maxFileValue, maxFileValue, w.Text)
			return
		}
	}
}

// bare are the arguments of a word that may stand alone, which is true in HCL.
func bare(n *keepalived.Node) []keepalived.Word {
	if len(n.Args) == 1 && n.Args[0].Text == "true" {
		return nil
	}
	return n.Args
}

func (d *decoder) trackProcess(n *keepalived.Node) {
	p := Process{Quorum: processQuorum, QuorumMax: maxProcesses, Range: n.Range}
	use := Tracked{Kind: TrackProcess, Weight: processWeight, Range: n.Range}
	d.text(n, &p.Name)
	given := map[string]*keepalived.Node{}
	d.singles(n, never, func(c *keepalived.Node) {
		given[c.Name] = c
		switch c.Name {
		case "process":
			program := Program{}
			d.command(c, &program)
			p.Words = program.Words
		case "param_match":
			if len(bare(c)) == 0 && !c.Broken {
				p.ParamMatch = ExactParameters
			} else {
				d.choice(c, []string{string(InitialParameters), string(PartialParameters), string(ExactParameters)}, (*string)(&p.ParamMatch))
			}
		case "weight":
			d.weight(c, TrackProcess.bound(), &use)
		case "quorum":
			d.whole(c, 0, maxRetry, &p.Quorum)
		case "quorum_max":
			d.whole(c, 0, maxRetry, &p.QuorumMax)
		case "fork_delay":
			d.duration(c, 0, maxDuration, &p.ForkDelay)
		case "terminate_delay":
			d.duration(c, 0, maxDuration, &p.TerminateDelay)
		case "full_command":
			d.flag(c, &p.FullCommand)
		}
	})
	if c := given["delay"]; c != nil {
		both := time.Duration(0)
		d.duration(c, 0, maxDuration, &both)
		if given["fork_delay"] == nil {
			p.ForkDelay = both
		}
		if given["terminate_delay"] == nil {
			p.TerminateDelay = both
		}
	}
	d.settleProcess(n, given, &p)
	if d.define(n.Name, p.Name, use) {
		d.cfg.Processes = append(d.cfg.Processes, p)
	}
}

// settleProcess fills in what the words of a process say of one another.
func (d *decoder) settleProcess(n *keepalived.Node, given map[string]*keepalived.Node, p *Process) {
	if given["process"] == nil {
		d.errorf(n.Range, "vrrp_track_process %q has no process; write the name of one", p.Name)
		return
	}
	if len(p.Words) > 1 && p.ParamMatch == "" {
		p.ParamMatch = ExactParameters
	}
	if len(p.Words) > 0 && (p.ParamMatch != "" || strings.Contains(p.Words[0], "/")) {
		p.FullCommand = true // the kernel's name of a process has no path and no parameters
	}
	if given["quorum"] == nil {
		p.Quorum = min(p.Quorum, p.QuorumMax)
	}
	if p.Quorum > p.QuorumMax {
		d.errorf(given["quorum"].Range, "quorum %d is more than quorum_max %d; this process would never be up", p.Quorum, p.QuorumMax)
	}
}

func (d *decoder) trackPing(n *keepalived.Node) {
	p := Ping{Interval: pingInterval, Rise: pingRise, Fall: pingFall, Range: n.Range}
	use := Tracked{Kind: TrackPing, Range: n.Range}
	d.text(n, &p.Name)
	given := map[string]bool{}
	d.singles(n, never, func(c *keepalived.Node) {
		given[c.Name] = true
		switch c.Name {
		case "address":
			at := netip.AddrPort{}
			d.serverAddress(c, &at)
			p.Address = at.Addr()
		case "interval":
			d.duration(c, minDuration, maxDuration, &p.Interval)
		case "timeout":
			d.duration(c, minDuration, maxDuration, &p.Timeout)
		case "rise":
			d.whole(c, 1, maxRetry, &p.Rise)
		case "fall":
			d.whole(c, 1, maxRetry, &p.Fall)
		case "weight":
			d.weight(c, TrackPing.bound(), &use)
		}
	})
	if !given["timeout"] {
		p.Timeout = p.Interval
	}
	if !given["address"] {
		d.errorf(n.Range, "vrrp_track_ping %q has no address; write the one that it asks", p.Name)
	}
	if d.define(n.Name, p.Name, use) {
		d.cfg.Pings = append(d.cfg.Pings, p)
	}
}

func (d *decoder) trackService(n *keepalived.Node) {
	s := ServiceTracker{Range: n.Range}
	use := Tracked{Kind: TrackService, Range: n.Range}
	d.text(n, &s.Name)
	var server *keepalived.Node
	d.singles(n, never, func(c *keepalived.Node) {
		switch c.Name {
		case "virtual_server":
			server, s.Range = c, c.Range
			v := VirtualServer{}
			if d.serviceName(c, &v) {
				s.Address, s.FWMark, s.Group = v.Address, v.FWMark, v.Group
			}
		case "protocol":
			d.protocol(c, &s.Protocol)
		case "weight":
			d.weight(c, TrackService.bound(), &use)
		}
	})
	if server == nil {
		d.errorf(n.Range, "vrrp_track_service %q has no virtual_server; write which one it is about", s.Name)
	}
	if d.define(n.Name, s.Name, use) {
		d.cfg.ServiceTrackers = append(d.cfg.ServiceTrackers, s)
	}
}

// validateServiceTrackers finds the virtual server of each tracker.
func (d *decoder) validateServiceTrackers() {
	for k := range d.cfg.ServiceTrackers {
		s := &d.cfg.ServiceTrackers[k]
		if s.FWMark == 0 && s.Group == "" && !s.Address.IsValid() {
			continue // an error told why
		}
		var found []*VirtualServer
		for i := range d.cfg.Services {
			if v := &d.cfg.Services[i]; s.Address == v.Address && s.FWMark == v.FWMark && s.Group == v.Group &&
				(s.Protocol == "" || s.Protocol == v.Protocol) {
				found = append(found, v)
			}
		}
		switch len(found) {
		case 0:
			d.errorf(s.Range, "There is no such virtual_server as vrrp_track_service %q is about", s.Name)
		case 1:
			s.Protocol = found[0].Protocol
		default:
			d.errorf(s.Range, "There are several such virtual_server; write the protocol of the one that vrrp_track_service %q is about", s.Name)
		}
	}
}
