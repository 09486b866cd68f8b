//go:build !netns

package director

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain shows that every director that ran has taken its goroutines with it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
