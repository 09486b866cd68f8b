package conf

import (
	"strconv"
	"strings"
)

// port reads a port by its number or by the name that IANA gave it. The host's /etc/services is
// not asked: a file means the same everywhere.
func port(text string) (uint16, bool) {
	if v, err := strconv.ParseUint(text, 10, 16); err == nil {
		return uint16(v), true
	}
	v, ok := servicePorts()[strings.ToLower(text)]
	return v, ok
}

// servicePorts are the services that are put behind a balancer, by their names in the IANA
// registry of service names and port numbers (RFC 6335) and the usual aliases.
func servicePorts() map[string]uint16 {
	return map[string]uint16{
		"ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "mail": 25, "time": 37, "whois": 43, "tacacs": 49,
		"domain": 53, "dns": 53, "bootps": 67, "bootpc": 68, "tftp": 69, "gopher": 70, "finger": 79,
		"http": 80, "www": 80, "www-http": 80, "kerberos": 88, "pop3": 110, "pop-3": 110, "sunrpc": 111, "rpcbind": 111,
		"nntp": 119, "ntp": 123, "netbios-ns": 137, "netbios-dgm": 138, "netbios-ssn": 139, "imap": 143, "imap2": 143,
		"snmp": 161, "snmptrap": 162, "xdmcp": 177, "bgp": 179, "irc": 194, "ldap": 389, "https": 443,
		"microsoft-ds": 445, "kpasswd": 464, "submissions": 465, "smtps": 465, "ssmtp": 465, "urd": 465, "isakmp": 500,
		"syslog": 514, "printer": 515, "rtsp": 554, "nntps": 563, "submission": 587, "ipp": 631, "ldaps": 636,
		"domain-s": 853, "rsync": 873, "ftps-data": 989, "ftps": 990, "telnets": 992, "imaps": 993, "pop3s": 995,
		"socks": 1080, "openvpn": 1194, "ms-sql-s": 1433, "ms-sql-m": 1434, "oracle": 1521, "ncube-lm": 1521, "l2tp": 1701, "pptp": 1723,
		"radius": 1812, "radius-acct": 1813, "mqtt": 1883, "nfs": 2049, "docker-s": 2376, "etcd-client": 2379, "etcd-server": 2380,
		"icpv2": 3130, "squid": 3128, "mysql": 3306, "ms-wbt-server": 3389, "rdp": 3389, "svn": 3690, "diameter": 3868,
		"ipsec-nat-t": 4500, "sip": 5060, "sips": 5061, "xmpp-client": 5222, "xmpp-server": 5269, "postgresql": 5432, "postgres": 5432,
		"amqps": 5671, "amqp": 5672, "coap": 5683, "coaps": 5684, "vnc-server": 5900, "rfb": 5900, "couchdb": 5984, "redis": 6379,
		"syslog-tls": 6514, "ircs-u": 6697, "http-alt": 8080, "http-proxy": 8080, "webcache": 8080, "https-alt": 8443, "secure-mqtt": 8883,
		"mqtts": 8883, "git": 9418, "memcache": 11211, "memcached": 11211, "mongodb": 27017, "quake": 26000,
	}
}
