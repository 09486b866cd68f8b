package conf

import "github.com/hashicorp/hcl/v2"

// TCPTalk is what TCP_CHECK says and wants to hear on the connection.
type TCPTalk struct {
	Send   string // sent first, "" for nothing
	Expect string // an expression that what the server says has to match, "" for none
}

// SMTPTalk is what SMTP_CHECK asks.
type SMTPTalk struct {
	HeloName string // what HELO says, "" for the probe's own address
	// Hosts are what is asked in place of the check's own target, each on its own; none is that
	// target.
	Hosts []Host
}

// Host is one host block of SMTP_CHECK.
type Host struct {
	Socket
	Range hcl.Range
}

// DNSQuestion is what DNS_CHECK asks.
type DNSQuestion struct {
	Type string // of the records, in upper case: SOA, A, TYPE65 and so on
	Name string // a domain name, with or without the dot at its end
}

// UDPPacket is what UDP_CHECK sends, and wants back.
type UDPPacket struct {
	Payload string // the bytes of the packet, "" for random ones
	// RequireReply wants an answer. Without it a server is healthy if nothing says that it is not.
	RequireReply bool
	// Reply and Mask are what the answer begins with as far as it goes, and which of its bits count;
	// both "" for any answer.
	Reply, Mask string
	// MinLength and MaxLength bound the answer in bytes, 0-65535.
	MinLength, MaxLength int
}

// GRPCHealth is what GRPC_CHECK asks.
type GRPCHealth struct {
	Service     string // of the server, "" for the server as a whole
	VirtualHost string // the authority, "" for the target's address and port
	TLS         bool
	SNIName     string // the name of the server in the TLS handshake, "" for none
	SSL         *SSL   // the SSL block of the file where TLS is asked for, nil where there is none
}

// SSL is what checks over TLS show to servers, and whom these have to be vouched for by: files in
// PEM, "" for none.
type SSL struct {
	Password Secret // of the key
	// CA are the authorities. Without them certificates are not verified.
	CA               string
	Certificate, Key string
}
