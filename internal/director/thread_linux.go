package director

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// roundRobinPriority is above every ordinary process and below the kernel's own threads.
const roundRobinPriority = 20

// onThread runs f on a goroutine locked to a thread of its own at real-time priority (sched(7)),
// so that neither Go's scheduler nor the kernel's keeps it waiting. Where the priority is refused,
// without CAP_SYS_NICE, f runs all the same and refused is told.
func onThread(f func(), refused func(error)) {
	go func() {
		runtime.LockOSThread() // for good: the thread ends with f
		err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR,
			// children must not inherit what only this thread needs
			Flags: unix.SCHED_FLAG_RESET_ON_FORK, Priority: roundRobinPriority}, 0)
		if err != nil {
			refused(fmt.Errorf("set SCHED_RR %d: %w", roundRobinPriority, err))
		}
		f()
	}()
}
