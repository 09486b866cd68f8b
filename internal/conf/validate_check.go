package conf

// validateTimes warns of a check that may still be running when the next is due: a silent server
// is then found later than the interval promises.
func (d *decoder) validateTimes() {
	type times struct{ timeout, interval int64 }
	told := map[times]bool{}
	for k := range d.cfg.Services {
		for _, r := range d.cfg.Services[k].RealServers {
			for _, c := range r.Checks {
				t := times{int64(c.Timeout), int64(c.Interval)}
				if c.Timeout <= c.Interval || told[t] {
					continue
				}
				told[t] = true
				d.warnf(c.Range, "%s may take %s s (connect_timeout) and begins every %s s (delay_loop); a silent server delays its next check: make delay_loop the longer one", c.Kind, seconds(c.Timeout), seconds(c.Interval))
			}
		}
	}
}
