package conf

import "time"

// hclDefaults are what suits most pairs of directors today.
func hclDefaults() defaults {
	return defaults{
		VRRPVersion:      3,
		Priority:         100,
		AdvertInterval:   time.Second,
		GARPMasterDelay:  5 * time.Second,
		GARPMasterRepeat: 5,
		DownTimerAdverts: 3, HigherPrioSendAdvert: true, GARPMasterRefresh: time.Minute, GARPMasterRefreshRepeat: 1,

		Protocol:           TCP,
		Scheduler:          "wlc",
		Forwarding:         NAT,
		PersistenceTimeout: 360 * time.Second,

		Weight:           1,
		Interval:         5 * time.Second,
		Timeout:          2 * time.Second,
		Retry:            1,
		DelayBeforeRetry: time.Second,
		HTTPDelay:        time.Second,
		StatusCodes:      StatusRange{200, 299},
		HTTPProtocol:     "1.1",
		SNI:              true,
		DNSRetry:         1,
		MiscRetry:        1,
		DNSDelay:         time.Second,
	}
}
