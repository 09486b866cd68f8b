package conf

import "time"

// defaults are the values of what a file does not say.
type defaults struct {
	VRRPVersion      uint8
	Priority         uint8
	AdvertInterval   time.Duration
	Interface        string // "" is that the file has to say
	GARPMasterDelay  time.Duration
	GARPMasterRepeat int

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
}
