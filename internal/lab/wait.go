package lab

import (
	"context"
	"fmt"
	"time"
)

// Until asks again and again until a condition holds. The condition returns nil when it does, else what is missing.
func Until(ctx context.Context, condition func() error) error {
	for {
		err := condition()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
