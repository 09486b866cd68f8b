// demo shows a pair of directors at work: a web server dies and comes back, the master dies, the other takes over. It prints
// what happens as it happens, and exits with 1 if anything that it shows did not.
package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// config is the example that the documentation explains, so that the demo shows what a reader would run.
const config = "examples/nat/lvsd.hcl"

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := show(ctx, config); err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed: %v\n", err)
		os.Exit(1)
	}
}
