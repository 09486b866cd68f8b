package check

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
)

// UDPRequest is a packet for a server, and what its answer has to be.
type UDPRequest struct {
	// Payload is what is sent; empty is some random bytes.
	Payload string
	// Require wants an answer. Without it a server is healthy as long as no error comes back
	// within the time of the probe: of a port that nobody listens at, or of a host that is not
	// there.
	Require bool
	// Reply and Mask are what the answer has to begin with, as far as it goes, and which of its
	// bits count. Both have the same length; 0 is any answer.
	Reply, Mask string
	// Min and Max bound the length of the answer in bytes.
	Min, Max int
}

// Words are what the request says in keepalived's words.
func (q UDPRequest) Words() []Word {
	pattern := []byte(hex.EncodeToString([]byte(q.Reply)))
	for i := range pattern {
		if q.Mask[i/2]>>(4*(1-i%2))&0xf == 0 {
			pattern[i] = 'x'
		}
	}
	reply := string(pattern)
	if q.Require && reply == "" {
		reply = "any"
	}
	return []Word{{Name: "payload", Value: hex.EncodeToString([]byte(q.Payload))}, {Name: "require_reply", Value: reply},
		{Name: "min_reply_length", Value: number(q.Min)}, {Name: "max_reply_length", Value: number(q.Max)}}
}

func (UDPRequest) suffix() string { return "" }

// probeUDP sends a packet and waits for the answer, or for an error that comes back.
func probeUDP(ctx context.Context, spec Spec) error {
	q, _ := spec.Detail.Request().(UDPRequest)
	packet := []byte(q.Payload)
	if len(packet) == 0 {
		packet = fmt.Appendf(nil, "%016x", rand.Uint64())
	}
	var unwanted error
	err := exchange(ctx, spec, packet, max(q.Max, 1)+1, "answer", func(answer []byte) bool {
		unwanted = q.judge(answer)
		return true
	})
	switch {
	case err == nil:
		return unwanted
	case q.Require:
		return err
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded) && !refusal(err):
		return nil // nobody complained
	}
	return err
}

// refusal reports whether an error came back from the network.
func refusal(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && !errors.Is(err, os.ErrDeadlineExceeded)
}

// judge says what is wrong with an answer, if an answer is required.
func (q UDPRequest) judge(answer []byte) error {
	switch {
	case !q.Require:
		return nil
	case len(answer) < q.Min:
		return fmt.Errorf("answer has %d bytes, want %d or more", len(answer), q.Min)
	case len(answer) > q.Max:
		return fmt.Errorf("answer has more than %d bytes", q.Max)
	}
	for i := range min(len(answer), len(q.Reply)) {
		if (answer[i]^q.Reply[i])&q.Mask[i] != 0 {
			return fmt.Errorf("answer is %x…, want %s", answer[:min(len(answer), len(q.Reply))], q.Words()[1].Value)
		}
	}
	return nil
}
