package conf

import "time"

// defaults are the values of what a file does not say.
type defaults struct {
	VRRPVersion      uint8
	Priority         uint8
	AdvertInterval   time.Duration
	Interface        string // "" is that the file has to say
	DownTimerAdverts uint8
	// HigherPrioSendAdvert is false in keepalived, whose winner of two masters then does not learn
	// that there were two, and leaves the neighbours with the other one's addresses.
	HigherPrioSendAdvert bool
	// PreferredLft is that of an IPv6 virtual address with a subnet. keepalived leaves such an address a
	// source of the node's own connections, and the kernel takes the newest of several: checks of a DR
	// server come from the VIP then, which that server answers itself.
	PreferredLft            time.Duration
	GARPMasterDelay         time.Duration
	GARPMasterRepeat        int
	GARPMasterRefresh       time.Duration
	GARPMasterRefreshRepeat int

	Protocol           Protocol // "" is that the file has to say
	Scheduler          string
	Forwarding         Forwarding
	PersistenceTimeout time.Duration // of a persistence_timeout without a value

	Weight           int
	Interval         time.Duration // delay_loop
	Timeout          time.Duration // connect_timeout
	Retry            int
	DelayBeforeRetry time.Duration
	HTTPDelay        time.Duration // delay_before_retry of HTTP_GET and SSL_GET
	StatusCodes      StatusRange
	HTTPProtocol     string
	SNI              bool // of SSL_GET
	DNSRetry         int
	MiscRetry        int
	DNSDelay         time.Duration // 0 is delay_loop
	HeloName         string
}

// instance is an instance that says nothing, as far as defaults go.
func (d *defaults) instance() Instance {
	return Instance{
		AdvertInterval: d.AdvertInterval, Version: d.VRRPVersion, Preempt: true, DownTimerAdverts: d.DownTimerAdverts,
		HigherPrioSendAdvert: d.HigherPrioSendAdvert, Transport: Transport{UnicastTTL: maxTTL},
		GARPMasterDelay: d.GARPMasterDelay, GARPMasterRepeat: d.GARPMasterRepeat,
		GARPMasterRefresh: d.GARPMasterRefresh, GARPMasterRefreshRepeat: d.GARPMasterRefreshRepeat,
		GARPLowerPrioDelay: d.GARPMasterDelay, GARPLowerPrioRepeat: d.GARPMasterRepeat,
	}
}
