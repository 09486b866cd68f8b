package vrrp

import "time"

// Resume has the instances with these keys start as masters: they were, in a process before this
// one, and until the time that they vouched for with their last advert nobody else became master
// for want of another. A group starts so if each of its members does. It is called before
// Configure.
func (e *Election) Resume(masters map[Key]time.Time) { e.resumed = masters }

// resumeMargin is what must be left, or half an interval where that is less: the first advert has to
// be heard before another node takes over, which may be at the very end of the time. Who comes later
// than that is a backup, for which the other node takes over undisturbed.
const resumeMargin = 100 * time.Millisecond

// resumes tells whether the instance, and its group, go on as the masters that they were.
func (i *instance) resumes(now time.Time) bool {
	for _, m := range i.peers() {
		if m.state != Master && !m.inTime(now) {
			return false
		}
	}
	return i.inTime(now)
}

// inTime tells whether nobody can have taken over from the instance that was master, nor will before
// it is heard.
func (i *instance) inTime(now time.Time) bool {
	return now.Add(min(resumeMargin, i.cfg.Interval/2)).Before(i.resume)
}

// failure is why an instance cannot be master for a while.
type failure struct {
	reason string
	until  time.Time
}

// failureHold is how long an instance stays out of the election whose addresses could not be kept on.
const failureHold = 10 * time.Second

// Fail takes the role from an instance that cannot fulfil it, and keeps it from the election for
// 10 s.
func (e *Election) Fail(now time.Time, key Key, reason string, out *Output) {
	if i := e.instances[key]; i == nil || i.state != Master || i.resigning {
		return
	}
	e.failed[key] = failure{reason, now.Add(failureHold)}
	e.settle(now, out)
}

// mended tells whether a failure is over.
func (e *Election) mended(now time.Time) (mended bool) {
	for key, f := range e.failed {
		if !now.Before(f.until) {
			delete(e.failed, key)
			mended = true
		}
	}
	return mended
}
