# Every kernel parameter there is: both families, DR beside NAT, ping, an interface with a dot.
vrrp_instance "web" {
  interface         = "bond0.12"
  virtual_router_id = 1
  virtual_ipaddress = ["192.0.2.1/24", { address = "10.0.0.9/24", dev = "eth1" }]
}
virtual_server "192.0.2.1" "80" {
  lb_kind = "DR"
  real_server "10.0.0.1" "80" {
    PING_CHECK {}
  }
}
virtual_server "192.0.2.1" "443" {
  real_server "10.0.0.1" "443" {
    PING_CHECK {}
  }
}
virtual_server "2001:db8::1" "80" {
  real_server "fd00::1" "80" {}
}
