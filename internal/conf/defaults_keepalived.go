package conf

import "time"

// keepalivedDefaults are keepalived's own, so that a file means here what it means there.
func keepalivedDefaults() defaults {
	return defaults{
		VRRPVersion:      2,
		Priority:         100,
		AdvertInterval:   time.Second,
		Interface:        "eth0",
		PreferredLft:     Forever,
		GARPMasterDelay:  5 * time.Second,
		GARPMasterRepeat: 5,
		DownTimerAdverts: 3, HigherPrioSendAdvert: true, GARPMasterRefreshRepeat: 1,

		Protocol:           UDP,
		Scheduler:          "wlc",
		Forwarding:         NAT,
		PersistenceTimeout: 360 * time.Second,

		Weight:           1,
		Interval:         60 * time.Second,
		Timeout:          5 * time.Second,
		Retry:            1,
		DelayBeforeRetry: time.Second,
		HTTPDelay:        3 * time.Second,
		StatusCodes:      StatusRange{200, 299},
		HTTPProtocol:     "1.0",
		DNSRetry:         3,
		HeloName:         "smtpchecker.keepalived.org",
	}
}
