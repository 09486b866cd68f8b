package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lvsd/internal/lab"
)

const picture = `
                    client  192.168.2.21
                       |
   --------+-----------+-----------+--------   192.168.2.0/24
           | eth0 .1               | eth0 .2
        [ lb1 ]  VIP 192.168.2.11  [ lb2 ]     real IPVS, NAT, round robin
           | eth1 .1               | eth1 .2
   --------+---V-gate 10.10.10.9---+--------   10.10.10.0/24
           |           |           |
         web1 .11    web2 .12    web3 .13
`

// What the configuration says, and so what may be expected of it.
const (
	// detection is delay_loop 2 s + timeout 1 s + 1 retry · (delay_before_retry 1 s + timeout 1 s).
	detection = 5 * time.Second
	// recovery of a server: the next probe and its answer.
	recovery = 3 * time.Second
	advert   = time.Second
	// skew of lb2, priority 100, in VRRP version 3.
	skew = advert * (256 - 100) / 256
	// takeover counts from the power cut to the first answered request.
	takeover = 3*advert + skew + time.Second
	rate     = 10 // requests a second
	patience = 2 * time.Second
)

// stage is the network with everything that runs on it.
type stage struct {
	*lab.Seed
	clock
	lb      [2]*lab.Daemon
	url     string
	traffic *lab.Traffic
}

func show(ctx context.Context, config string) (err error) {
	config, err = filepath.Abs(config)
	if err != nil {
		return fmt.Errorf("find the configuration: %w", err)
	}
	s := &stage{clock: clock{start: time.Now()}}
	fmt.Print(picture, "\n")
	if s.Seed, err = lab.NewSeed("demo", lab.NAT); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.url = fmt.Sprintf("http://%s/", s.VIP)
	s.say("six machines are up: each a network namespace, the cables between them real")
	for _, scene := range []func(context.Context, string) error{
		s.begin, s.six, s.serverLost, s.serverBack, s.masterLost,
	} {
		if err := scene(ctx, config); err != nil {
			s.logs()
			return err
		}
	}
	s.say("done: all of it happened as it should")
	return nil
}

// logs prints what both daemons said, for whoever has to find out why.
func (s *stage) logs() {
	for _, d := range s.lb {
		if d == nil {
			continue
		}
		fmt.Printf("\n%s:\n", d)
		for _, l := range d.Lines() {
			fmt.Println(l.Text)
		}
	}
}

// begin starts lvsd on both directors and waits until one of them serves.
func (s *stage) begin(ctx context.Context, config string) error {
	var err error
	for i, host := range s.LB {
		if s.lb[i], err = host.Lvsd(config); err != nil {
			return err
		}
		s.say("%s: lvsd run -c %s", host.Name, filepath.Base(config))
	}
	for i := range s.lb {
		if _, err := s.lb[i].Event(ctx, time.Time{}, "services_set"); err != nil {
			return err
		}
	}
	if _, err := s.lb[0].Event(ctx, time.Time{}, "role_changed", "to", "MASTER"); err != nil {
		return err
	}
	if _, err := s.lb[1].Event(ctx, time.Time{}, "role_changed", "to", "BACKUP"); err != nil {
		return err
	}
	if _, err := s.lb[1].Event(ctx, time.Time{}, "master_seen", "peer", "192.168.2.1"); err != nil {
		return err
	}
	if err := lab.Until(ctx, func() error { return errors.Join(s.holds(0, true), s.holds(1, false)) }); err != nil {
		return err
	}
	if changes := s.lb[1].Events(time.Time{}, "role_changed"); changes[len(changes)-1].Fields["to"] != "BACKUP" {
		return fmt.Errorf("lb2 is %v, not BACKUP", changes[len(changes)-1].Fields["to"])
	}
	s.say("lb1 is MASTER: it holds VIP %s and V-gate %s; lb2 is BACKUP", s.VIP, s.VGate)
	return nil
}

// holds tells whether a director has both addresses, or has neither.
func (s *stage) holds(i int, both bool) error {
	outside, err := s.LB[i].Addresses("eth0")
	if err != nil {
		return err
	}
	inside, err := s.LB[i].Addresses("eth1")
	if err != nil {
		return err
	}
	if contains(outside, s.VIP) != both || contains(inside, s.VGate) != both {
		want := "neither the VIP nor the V-gate"
		if both {
			want = "both the VIP and the V-gate"
		}
		return fmt.Errorf("%s holds %v and %v, not %s", s.LB[i].Name, outside, inside, want)
	}
	return nil
}

// six asks six times: round robin goes through the three web servers twice, in the same order.
func (s *stage) six(context.Context, string) error {
	client := s.Client.HTTPClient(2 * time.Second)
	var answered []string
	for n := 1; n <= 6; n++ {
		r := lab.Ask(client, s.url)
		if r.Err != nil {
			return fmt.Errorf("request %d of six: %w", n, r.Err)
		}
		answered = append(answered, r.By)
		s.say("request %d: %s answers", n, r.By)
	}
	for _, web := range s.Web {
		first := slices.Index(answered, web.Name)
		if first < 0 || first > 2 || answered[first+3] != web.Name {
			return fmt.Errorf("six requests were not answered by three servers in turn: %v", answered)
		}
	}
	return nil
}

// serverLost pulls a web server's cable under load.
func (s *stage) serverLost(ctx context.Context, _ string) error {
	s.traffic = lab.Load{From: s.Client, URL: s.url, Rate: rate, Timeout: patience}.Start()
	cut := time.Now()
	if err := s.Web[1].Cut("eth0"); err != nil {
		return err
	}
	s.say("web2's cable is pulled; the client asks %d times a second", rate)
	lost, err := s.lb[0].Event(ctx, cut, "server_lost", "real_server", s.Real[1].String())
	if err != nil {
		return err
	}
	if _, err := s.lb[0].Event(ctx, lost.At, "services_set"); err != nil {
		return err
	}
	removed := time.Now()
	s.say("lb1 removes web2 %s after the cut: %v (%v)", since(cut, lost.At), lost.Fields["check"], lost.Fields["error"])
	if late := lost.At.Sub(cut); late > detection {
		return fmt.Errorf("web2 was removed after %s, later than %s", late, detection)
	}
	if err := s.asked(ctx, removed, 3*time.Second); err != nil {
		return err
	}
	before := s.traffic.SoFar().Between(cut, removed)
	after := s.traffic.SoFar().Between(removed, time.Now())
	s.say("requests lost: %d of %d before the removal, %d of %d after it", len(before.Failed()), len(before.Requests),
		len(after.Failed()), len(after.Requests))
	if failed := after.Failed(); len(failed) > 0 {
		return fmt.Errorf("requests were lost after web2 was removed, the first: %w", failed[0].Err)
	}
	if n := after.By()["web2"]; n > 0 {
		return fmt.Errorf("web2 answered %d requests with its cable pulled", n)
	}
	return nil
}

// serverBack puts the cable back.
func (s *stage) serverBack(ctx context.Context, _ string) error {
	mended := time.Now()
	if err := s.Web[1].Mend("eth0"); err != nil {
		return err
	}
	s.say("web2's cable is back")
	restored, err := s.lb[0].Event(ctx, mended, "server_restored", "real_server", s.Real[1].String())
	if err != nil {
		return err
	}
	s.say("lb1 restores web2 %s later", since(mended, restored.At))
	if late := restored.At.Sub(mended); late > recovery {
		return fmt.Errorf("web2 was restored after %s, later than %s", late, recovery)
	}
	if err := s.asked(ctx, restored.At, 2*time.Second); err != nil {
		return err
	}
	report := s.traffic.SoFar().Between(mended, time.Now())
	s.say("since then: %s", report)
	if report.By()["web2"] == 0 {
		return errors.New("web2 was restored and answers nothing")
	}
	if failed := report.Failed(); len(failed) > 0 {
		return fmt.Errorf("requests were lost while web2 came back, the first: %w", failed[0].Err)
	}
	return nil
}

// masterLost cuts the master's power.
func (s *stage) masterLost(ctx context.Context, _ string) error {
	adverts, err := s.LB[1].Capture(ctx, "eth0", "ip proto 112 and src host 192.168.2.1")
	if err != nil {
		return err
	}
	if _, err := adverts.WaitFor(ctx, time.Time{}, lab.Containing("vrid 51")); err != nil {
		return err
	}
	cut := time.Now()
	if err := s.LB[0].PowerOff(); err != nil {
		return err
	}
	s.say("lb1's power is cut: its lvsd is killed with -9, its links are down")
	role, err := s.lb[1].Event(ctx, cut, "role_changed", "to", "MASTER")
	if err != nil {
		return err
	}
	s.say("lb2 is MASTER %s after the cut: %v", since(cut, role.At), role.Fields["reason"])
	if err := lab.Until(ctx, func() error { return s.holds(1, true) }); err != nil {
		return err
	}
	s.say("lb2 holds VIP and V-gate")
	var answered time.Time
	err = lab.Until(ctx, func() error {
		for _, r := range s.traffic.SoFar().Between(cut, time.Now()).Requests {
			// A request begun before the cut may be answered by what was on its way.
			if r.Err == nil && r.End.After(role.At) {
				answered = r.End
				return nil
			}
		}
		return errors.New("no request is answered")
	})
	if err != nil {
		return err
	}
	if err := s.asked(ctx, answered, 3*time.Second); err != nil {
		return err
	}
	report := s.traffic.Stop()
	gap, _ := report.Between(cut, time.Now()).LongestGap()
	s.say("requests are answered again %s after the cut; %d of %d were lost meanwhile, the longest gap was %s", since(cut, answered),
		len(report.Between(cut, answered).Failed()), len(report.Between(cut, answered).Requests), gap.Round(time.Millisecond))
	if err := s.punctual(adverts, role.At); err != nil {
		return err
	}
	if late := answered.Sub(cut); late > takeover {
		return fmt.Errorf("requests were answered again after %s, later than %s", late, takeover)
	}
	after := report.Between(answered, time.Now())
	s.say("since then: %s", after)
	if failed := after.Failed(); len(failed) > 0 {
		return fmt.Errorf("requests were lost after the takeover, the first: %w", failed[0].Err)
	}
	answers := after.By()
	if !slices.Contains([]int{answers["web1"], answers["web2"], answers["web3"]}, 0) {
		return nil
	}
	return fmt.Errorf("not all web servers answered after the takeover: %v", answers)
}

// punctual compares the takeover with what the protocol says: 3 adverts and the skew after lb1's last advert.
func (s *stage) punctual(adverts *lab.Process, master time.Time) error {
	var last time.Time
	for _, l := range adverts.Lines() {
		if at, ok := lab.CaptureTime(l.Text); ok && strings.Contains(l.Text, "VRRP") {
			last = at
		}
	}
	if last.IsZero() {
		return errors.New("no advert of lb1 was captured")
	}
	limit := last.Add(3*advert + skew)
	s.say("the protocol's time is 3 adverts + skew = %s after lb1's last advert; lb2 was MASTER %.1f ms after that",
		(3*advert + skew).Round(time.Millisecond), float64(master.Sub(limit).Microseconds())/1000)
	if master.Before(limit) {
		return errors.New("lb2 took over before the protocol's time")
	}
	return nil
}

// asked waits until every request that was begun within a time from a moment has ended.
func (s *stage) asked(ctx context.Context, from time.Time, span time.Duration) error {
	return lab.Until(ctx, func() error {
		requests := s.traffic.SoFar().Between(from, time.Now()).Requests
		if len(requests) == 0 || requests[len(requests)-1].Start.Before(from.Add(span)) {
			return fmt.Errorf("the client has not asked for %s since", span)
		}
		return nil
	})
}
