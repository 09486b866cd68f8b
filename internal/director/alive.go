package director

import "time"

// loopBound is how long one turn of the loop may take. A reload, which it waits for, may have to wait
// for a disk; one that takes longer is none.
const loopBound = 5 * time.Minute

// alive tells whether the loop comes round, and has it do so. It is called by another goroutine.
func (d *Director) alive() bool {
	d.inbox.post(turn{})
	return time.Now().UnixNano()-d.turned.Load() < int64(loopBound)
}
