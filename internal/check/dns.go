package check

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// DNSRequest is a question to a name server.
type DNSRequest struct {
	Name string // what is asked for, with or without the dot at its end
	Type uint16 // of the records, RFC 1035 §3.2.2 and its successors
}

// dnsTypes are the names of the types that have one here, of IANA's registry of DNS parameters.
func dnsTypes() map[string]uint16 {
	return map[string]uint16{"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16, "AAAA": 28, "LOC": 29,
		"SRV": 33, "NAPTR": 35, "DNAME": 39, "DS": 43, "SSHFP": 44, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "NSEC3": 50, "NSEC3PARAM": 51,
		"TLSA": 52, "CDS": 59, "CDNSKEY": 60, "OPENPGPKEY": 61, "SVCB": 64, "HTTPS": 65, "SPF": 99, "ANY": 255, "URI": 256, "CAA": 257}
}

// ParseDNSType reads a type by name, or by number as in TYPE65 (RFC 3597 §5). The second result is
// false for any other text.
func ParseDNSType(text string) (uint16, bool) {
	text = strings.ToUpper(text)
	if t, ok := dnsTypes()[text]; ok {
		return t, true
	}
	number, ok := strings.CutPrefix(text, "TYPE")
	t, err := strconv.ParseUint(number, 10, 16)
	return uint16(t), ok && err == nil && t != 0
}

// Words are what the request says in keepalived's words.
func (q DNSRequest) Words() []Word {
	return []Word{{Name: "type", Value: q.typeName()}, {Name: "name", Value: q.Name}}
}

func (q DNSRequest) suffix() string { return " " + q.typeName() + " " + q.Name }

func (q DNSRequest) typeName() string {
	for name, t := range dnsTypes() {
		if t == q.Type {
			return name
		}
	}
	return "TYPE" + strconv.Itoa(int(q.Type))
}

// maxMessage is the longest answer that is read: what UDP can carry.
const maxMessage = 65535

// probeDNS sends a question over UDP and wants an answer to it without an error. That there are no
// records of the type is none.
func probeDNS(ctx context.Context, spec Spec) error {
	q, _ := spec.Detail.Request().(DNSRequest)
	name, err := dnsmessage.NewName(strings.TrimSuffix(q.Name, ".") + ".")
	if err != nil {
		return &fault{op: "ask for " + q.Name, cause: err}
	}
	question := dnsmessage.Question{Name: name, Type: dnsmessage.Type(q.Type), Class: dnsmessage.ClassINET}
	message := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: uint16(rand.Uint32()), RecursionDesired: true},
		Questions: []dnsmessage.Question{question},
	}
	packet, err := message.Pack()
	if err != nil {
		return &fault{op: "ask for " + q.Name, cause: err}
	}
	var rcode dnsmessage.RCode
	err = exchange(ctx, spec, packet, maxMessage, "answer", func(answer []byte) bool {
		var parser dnsmessage.Parser
		header, err := parser.Start(answer)
		if err != nil || !header.Response || header.ID != message.ID {
			return false
		}
		asked, err := parser.AllQuestions()
		if err != nil || len(asked) > 0 && !slices.ContainsFunc(asked, func(a dnsmessage.Question) bool {
			return a.Type == question.Type && strings.EqualFold(a.Name.String(), question.Name.String())
		}) {
			return false
		}
		rcode = header.RCode
		return true
	})
	if err == nil && rcode != dnsmessage.RCodeSuccess {
		return fmt.Errorf("answer is %s, want NOERROR", rcodeName(rcode))
	}
	return err
}

// rcodeName is the name of a response code (RFC 1035 §4.1.1, RFC 6895 §2.3).
func rcodeName(c dnsmessage.RCode) string {
	names := []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"}
	if int(c) < len(names) {
		return names[c]
	}
	return "RCODE" + strconv.Itoa(int(c))
}

// exchange sends a packet to the target over UDP and reads packets until one is the answer.
func exchange(ctx context.Context, spec Spec, packet []byte, longest int, what string, is func([]byte) bool) error {
	conn, err := dial(ctx, "udp", spec)
	if err != nil {
		return failure("connect "+spec.Addr.String(), err)
	}
	defer conn.Close()
	defer cutOff(ctx, conn)()
	if _, err := conn.Write(packet); err != nil {
		return missing(ctx, spec, what, err)
	}
	return receive(ctx, spec, conn, longest, what, is)
}

// receive reads packets until one is the answer. Of longer ones only the first bytes are seen.
func receive(ctx context.Context, spec Spec, conn net.Conn, longest int, what string, is func([]byte) bool) error {
	buffer := make([]byte, longest)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return missing(ctx, spec, what, err)
		}
		if is(buffer[:n]) {
			return nil
		}
	}
}
