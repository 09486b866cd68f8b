package keepalived

// block says whether a keyword has a block behind it.
type block uint8

const (
	noBlock block = iota
	mayBlock
	mustBlock
)

// keyword is one row of the table of what may stand where.
type keyword struct {
	name    string
	aliases []string
	min     int // argument words, at least
	max     int // argument words, at most
	block   block
	words   []*keyword // what may stand in the block
	// lines says that the block holds plain lines, of at most so many words, in place of words.
	lines int
	// usage is how to write it, for the error of one who wrote it otherwise.
	usage string
}

// unbounded is a max for as many words as one likes.
const unbounded = 1 << 20

func value(name, usage string, aliases ...string) *keyword {
	return &keyword{name: name, aliases: aliases, min: 1, max: 1, usage: name + " " + usage}
}

func flag(name string) *keyword { return &keyword{name: name, max: 1, usage: name} }

// timing are the words that a checker inherits from the real server and the virtual server.
func timing() []*keyword {
	return []*keyword{
		value("delay_loop", "SECONDS"),
		value("retry", "NUMBER", "nb_get_retry"),
		value("delay_before_retry", "SECONDS"),
		value("connect_timeout", "SECONDS"),
	}
}

func and(words []*keyword, more ...*keyword) []*keyword { return append(more, words...) }

func checkers() []*keyword {
	get := func(name string) *keyword {
		return &keyword{name: name, block: mustBlock, usage: name + " { url { … } }",
			words: and(timing(), &keyword{name: "url", block: mustBlock, usage: "url { path PATH }",
				words: []*keyword{
					value("path", "PATH"),
					{name: "status_code", min: 1, max: unbounded, usage: "status_code CODE[-CODE] …"},
				}})}
	}
	return []*keyword{
		{name: "PING_CHECK", aliases: []string{"ICMP_CHECK"}, block: mayBlock, words: timing()},
		{name: "TCP_CHECK", block: mayBlock, words: timing()},
		get("HTTP_GET"),
		get("SSL_GET"),
	}
}

// newTable builds the whole table as the keyword whose block is the file.
func newTable() *keyword {
	realServer := &keyword{name: "real_server", min: 1, max: 2, block: mustBlock, usage: "real_server ADDRESS [PORT] { … }",
		words: and(and(timing(), checkers()...),
			value("weight", "0-65535"),
			flag("inhibit_on_failure"),
		)}
	virtualServer := &keyword{name: "virtual_server", min: 1, max: 2, block: mustBlock,
		usage: "virtual_server ADDRESS [PORT] { … } or virtual_server fwmark NUMBER { … }",
		words: and(timing(),
			value("lb_algo", "SCHEDULER", "lvs_sched"),
			value("lb_kind", "NAT|DR|TUN", "lvs_method"),
			value("protocol", "TCP|UDP|SCTP"),
			&keyword{name: "persistence_timeout", max: 1, usage: "persistence_timeout [SECONDS]"},
			value("weight", "0-65535"),
			flag("inhibit_on_failure"),
			realServer,
		)}
	instance := &keyword{name: "vrrp_instance", min: 1, max: 1, block: mustBlock, usage: "vrrp_instance NAME { … }",
		words: []*keyword{
			value("state", "MASTER|BACKUP"),
			value("interface", "NAME"),
			value("virtual_router_id", "1-255"),
			value("priority", "1-255"),
			value("advert_int", "SECONDS"),
			value("version", "2|3"),
			flag("preempt"),
			flag("nopreempt"),
			{name: "virtual_ipaddress", block: mustBlock, lines: 7,
				usage: "virtual_ipaddress { ADDRESS[/LENGTH] [dev NAME] [label LABEL] [scope SCOPE] … }"},
			{name: "track_interface", block: mustBlock, lines: 1, usage: "track_interface { NAME … }"},
			value("garp_master_delay", "SECONDS"),
			value("garp_master_repeat", "NUMBER"),
		}}
	return &keyword{block: mustBlock, words: []*keyword{
		{name: "global_defs", block: mustBlock, usage: "global_defs { … }", words: []*keyword{
			value("router_id", "NAME"),
			value("vrrp_version", "2|3"),
			value("vrrp_garp_master_delay", "SECONDS"),
			value("vrrp_garp_master_repeat", "NUMBER"),
		}},
		instance,
		{name: "vrrp_sync_group", min: 1, max: 1, block: mustBlock, usage: "vrrp_sync_group NAME { … }", words: []*keyword{
			{name: "group", block: mustBlock, lines: 1, usage: "group { INSTANCE … }"},
		}},
		virtualServer,
	}}
}

// find returns the word of k's block that is written so, or nil.
func (k *keyword) find(written string) *keyword {
	for _, w := range k.words {
		if w.name == written {
			return w
		}
		for _, a := range w.aliases {
			if a == written {
				return w
			}
		}
	}
	return nil
}

// spellings are all the ways to write the words of k's block.
func (k *keyword) spellings() []string {
	var all []string
	for _, w := range k.words {
		all = append(append(all, w.name), w.aliases...)
	}
	return all
}

// home returns the name of a block under k in which the word may stand; "" is none.
func (k *keyword) home(written string) string {
	for _, w := range k.words {
		if w.find(written) != nil {
			return w.name
		}
		if home := w.home(written); home != "" {
			return home
		}
	}
	return ""
}
