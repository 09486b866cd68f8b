package conf

import (
	"fmt"
	"time"

	"lvsd/internal/conf/keepalived"
)

// maxPreemptDelay is keepalived's.
const maxPreemptDelay = 1000 * time.Second

// parameter reads a word that stands in an instance and, with "vrrp_" before it, as the default of
// all instances in global_defs.
func (d *decoder) parameter(name string, c *keepalived.Node, i *Instance) {
	switch name {
	case "version":
		d.version(c, &i.Version)
	case "down_timer_adverts":
		if v := 0; d.whole(c, 1, 100, &v) {
			i.DownTimerAdverts = uint8(v)
		}
	case "lower_prio_no_advert":
		d.flag(c, &i.LowerPrioNoAdvert)
	case "higher_prio_send_advert":
		d.flag(c, &i.HigherPrioSendAdvert)
	case "owner_ignore_adverts":
		d.flag(c, &i.OwnerIgnoreAdverts)
	case "check_unicast_src":
		d.flag(c, &i.Transport.CheckUnicastSource)
	case "v3_checksum_as_v2":
		d.flag(c, &i.Transport.V3ChecksumAsV2)
	case "track_src_ip":
		d.flag(c, &i.Transport.TrackSourceIP)
	case "unicast_fault_no_peer":
		d.flag(c, &i.Transport.UnicastFaultNoPeer)
	case "garp_master_delay":
		d.duration(c, 0, maxDuration, &i.GARPMasterDelay)
	case "garp_master_repeat":
		d.whole(c, 1, maxRepeat, &i.GARPMasterRepeat)
	case "garp_master_refresh":
		d.duration(c, 0, maxDuration, &i.GARPMasterRefresh)
	case "garp_master_refresh_repeat":
		d.whole(c, 1, maxRepeat, &i.GARPMasterRefreshRepeat)
	case "garp_lower_prio_delay":
		d.duration(c, 0, maxDuration, &i.GARPLowerPrioDelay)
	case "garp_lower_prio_repeat":
		d.whole(c, 0, maxRepeat, &i.GARPLowerPrioRepeat)
	}
}

// settleAnnouncements fills in what global_defs says by other words: vrrp_min_garp, and the words
// about a takeover for those about another master.
func (d *decoder) settleAnnouncements() {
	i, given := &d.global.instance, d.global.given
	if d.global.minGARP {
		if !given["vrrp_garp_master_repeat"] {
			i.GARPMasterRepeat = 1
		}
		if !given["vrrp_garp_master_delay"] {
			i.GARPMasterDelay = 0
		}
		if !given["vrrp_garp_master_refresh"] {
			i.GARPMasterRefresh = 0
		}
	}
	if !given["vrrp_garp_lower_prio_repeat"] {
		i.GARPLowerPrioRepeat = i.GARPMasterRepeat
	}
	if !given["vrrp_garp_lower_prio_delay"] {
		i.GARPLowerPrioDelay = i.GARPMasterDelay
	}
}

// preemption reads preempt and nopreempt, of which one is the other's contrary, and preempt_delay.
func (d *decoder) preemption(i *Instance, preempt, nopreempt, delay *keepalived.Node) {
	said := preempt
	if preempt != nil {
		d.flag(preempt, &i.Preempt)
	}
	if no := false; nopreempt != nil && d.flag(nopreempt, &no) {
		if preempt != nil && i.Preempt == no {
			d.errorf(nopreempt.Range, "preempt and nopreempt contradict one another; remove one")
			return
		}
		said, i.Preempt = nopreempt, !no
	}
	if !i.Preempt && i.State == Master {
		i.Preempt = d.repairs(said.Range, "nopreempt has no effect with state MASTER", "it is ignored", "write state BACKUP on both nodes")
	}
	if delay == nil || !d.duration(delay, 0, maxPreemptDelay, &i.PreemptDelay) || i.PreemptDelay == 0 {
		return
	}
	switch {
	case i.State == Master:
		d.pointless(delay, i, "state MASTER", "write state BACKUP on both nodes")
	case !i.Preempt:
		d.pointless(delay, i, "nopreempt", "remove one of them")
	}
}

// acceptance reads accept and no_accept, of which one is the other's contrary.
func (d *decoder) acceptance(i *Instance, accept, noAccept *keepalived.Node) {
	said, accepts := accept, true
	if accept != nil {
		d.flag(accept, &accepts)
	}
	if no := false; noAccept != nil && d.flag(noAccept, &no) {
		if accept != nil && accepts == no {
			d.errorf(noAccept.Range, "accept and no_accept contradict one another; remove one")
			return
		}
		said, accepts = noAccept, !no
	}
	if i.NoAccept = !accepts; i.NoAccept && i.Priority == 255 {
		i.NoAccept = !d.repairs(said.Range, "no_accept has no effect with priority 255, for the owner of addresses accepts what is for them", "it is ignored", "remove it")
	}
}

func (d *decoder) pointless(delay *keepalived.Node, i *Instance, with, write string) {
	if d.repairs(delay.Range, "preempt_delay has no effect with "+with, "it is ignored", write) {
		i.PreemptDelay = 0
	}
}

// strictness holds an instance to what strict_mode allows (keepalived.conf(5), vrrp_strict). words
// are those that the instance has.
func (d *decoder) strictness(i *Instance, words map[string]*keepalived.Node) {
	why := " contradicts strict_mode"
	if n := words["lower_prio_no_advert"]; n == nil {
		i.LowerPrioNoAdvert = true
	} else if !i.LowerPrioNoAdvert {
		i.LowerPrioNoAdvert = d.repairs(n.Range, n.Keyword.Text+" false"+why, "true is taken", "remove it")
	}
	if n := words["higher_prio_send_advert"]; n == nil {
		i.HigherPrioSendAdvert = false
	} else if i.HigherPrioSendAdvert {
		i.HigherPrioSendAdvert = !d.repairs(n.Range, n.Keyword.Text+why, "false is taken", "remove it")
	}
	if n := words["preempt_delay"]; n != nil && i.PreemptDelay > 0 && d.repairs(n.Range, n.Keyword.Text+why, "it is ignored", "remove it") {
		i.PreemptDelay = 0
	}
	if n := words["state"]; n != nil && (i.State == Master) != (i.Priority == 255) {
		mistake := fmt.Sprintf("With strict_mode, priority 255 and state MASTER go together, unlike priority %d and state %s", i.Priority, i.State)
		if d.repairs(n.Range, mistake, "the priority counts", "remove state") {
			if i.State = Backup; i.Priority == 255 {
				i.State = Master
				i.Preempt, i.PreemptDelay = true, 0 // what says otherwise has no effect with it
			}
		}
	}
	if n := words["auth_hmac"]; n != nil && len(i.HMAC.Keys) > 0 && i.HMAC.Mode != Enforce {
		d.errorf(n.Range, "auth_hmac in mode %s%s; write mode enforce once all nodes sign", i.HMAC.Mode, why)
	}
	for _, name := range []string{"no_virtual_ipaddress", "unicast_peer", "authentication"} {
		if n := words[name]; n != nil {
			d.errorf(n.Range, "%s%s; remove one of them", n.Keyword.Text, why)
		}
	}
}
