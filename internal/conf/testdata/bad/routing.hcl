static_ipaddress = ["10.9.0.1/24"]
static_routes = [
  "10.0.0.1/8 dev eth0",
  { to = "10.0.0.0/8", dve = "eth0" },
  { to = "10.0.0.0/8", onlink = "yes", dev = "eth0" },
  { to = "10.0.0.0/8", nexthop = ["via 10.0.0.1 mtu 5"] },
  { dev = "eth0" },
  {},
  7,
  "10.0.0.0/8 dev eth0 realms 7",
  "2001:db8::/32 dev eth0 tos 4",
]
static_rules = [
  "from 10.0.0.0/8 table 100",
  { from = "10.0.0.0/8", preference = 7 },
  { from = "10.0./8", table = 100, preference = 7 },
  { from = "10.0.0.0/8", table = 100, preference = 8 },
  "from 10.0.0.0/8 lookup 100 pref 8",
]
