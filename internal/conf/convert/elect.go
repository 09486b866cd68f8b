package convert

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What heartbeat has no word for.
const (
	firstRouterID = 51 // the first virtual_router_id; the next ones follow
	preferred     = 150
	second        = 100
	stranger      = 50 // the priority of a node that no file names
	adverts       = 3  // how many a backup misses before it takes over (RFC 9568 §6.1)
)

// instances writes what haresources and ha.cf say as instances of VRRP.
func (j *job) instances() body {
	var out body
	c := &j.cluster
	if c.told && len(c.resources) == 0 {
		j.errorf(c.timing, "ha.cf alone moves no address; name the haresources that belongs to it too")
		return out
	}
	if n := firstRouterID + len(c.resources) - 1; n > 255 {
		j.errorf(c.resources[0].at, "%d lines of haresources are more than there are virtual routers to name", len(c.resources))
		return out
	}
	names := map[string]int{}
	for k := range c.resources {
		r := &c.resources[k]
		name := r.node.text
		if names[name]++; names[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, names[name])
		}
		out.items = append(out.items, j.instanceOf(r, name, firstRouterID+k))
	}
	return out
}

func (j *job) instanceOf(r *resource, name string, id int) *item {
	c := &j.cluster
	dev := c.device.text
	for _, t := range r.addresses {
		if dev == "" {
			dev = t.dev
		}
	}
	if dev == "" {
		dev = "eth0"
		j.report.add(Different, r.at, "interface", "no file names one; eth0 is taken")
	}
	it := &item{name: "vrrp_instance", labels: []string{name}, lead: r.lead, block: &body{}}
	b := it.block
	b.put("interface", quote(dev))
	b.put("virtual_router_id", fmt.Sprint(id))
	j.report.add(Different, r.at, "virtual_router_id", "heartbeat has none: %d is taken; nobody else on the segment may use it", id)
	priorities, lowest := j.priorities(r)
	b.put("priority", priorities)
	b.put("advert_int", duration(j.advertInterval(lowest)))
	b.put("preempt", fmt.Sprint(!c.stay))
	list := &item{name: "virtual_ipaddress", list: []element{}}
	for _, t := range r.addresses {
		parts := []string{"address = " + quote(t.prefix.String())}
		if t.dev != "" && t.dev != dev {
			parts = append(parts, "dev = "+quote(t.dev))
		}
		if t.label != "" {
			parts = append(parts, "label = "+quote(t.label))
		}
		expr := quote(t.prefix.String())
		if len(parts) > 1 {
			expr = "{ " + strings.Join(parts, ", ") + " }"
		}
		list.list = append(list.list, element{expr: expr})
	}
	b.items = append(b.items, list)
	return it
}

// priorities writes an expression that gives every node its priority from one file, and returns
// the lowest of those that it names.
func (j *job) priorities(r *resource) (string, int) {
	nodes := []string{r.node.text}
	for _, w := range j.cluster.nodes {
		if !slices.Contains(nodes, w.text) {
			nodes = append(nodes, w.text)
		}
	}
	var pairs []string
	lowest := preferred
	for k, node := range nodes {
		if k > 0 {
			lowest = max(second-10*(k-1), stranger+1)
		}
		pairs = append(pairs, fmt.Sprintf("%s = %d", key(node), lowest))
	}
	if len(nodes) == 1 {
		lowest = stranger
	}
	return fmt.Sprintf("lookup({ %s }, hostname, %d)", strings.Join(pairs, ", "), stranger), lowest
}

// advertInterval is heartbeat's keepalive, or less where a backup of that priority would not take
// over within deadtime: after three intervals and its skew (RFC 9568 §6.1).
func (j *job) advertInterval(priority int) time.Duration {
	c := &j.cluster
	const unit = 10 * time.Millisecond // what an advert carries
	interval, dead := c.keepalive, c.deadtime
	if interval == 0 {
		interval = 2 * time.Second // heartbeat's own
	}
	if dead == 0 {
		dead = 30 * time.Second
	}
	down := func(i time.Duration) time.Duration {
		return adverts*i + i*time.Duration(256-priority)/256
	}
	for down(interval) > dead && interval > unit {
		interval = min(interval-unit, time.Duration(float64(dead)/float64(down(time.Second))*float64(time.Second)))
	}
	interval = max(interval.Truncate(unit), unit)
	interval = min(interval, 40*time.Second)
	if !c.told {
		interval = time.Second
		j.report.add(Different, c.resources[0].at, "advert_int", "no ha.cf is named: adverts go out each second, and a backup takes over within %s", duration(down(interval)))
		return interval
	}
	how := "keepalive"
	if interval != c.keepalive {
		how = "less than keepalive, to stay within deadtime"
	}
	j.report.add(Different, c.timing, "deadtime", "advert_int is %s (%s): a backup of priority %d takes over %s after the last advert it heard, three intervals and its skew; deadtime was %s",
		interval, how, priority, down(interval).Round(unit), dead)
	return interval
}
