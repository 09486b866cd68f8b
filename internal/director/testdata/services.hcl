# Quorum and sorry server, groups, tunnels, flags and persistence.
global_defs {
  lvs_timeouts    = "tcp 900 udp 60"
  lvs_sync_daemon = "eth1 inst web maxlen 1400"
  lvs_flush       = true
}
vrrp_instance "web" {
  interface         = "eth0"
  virtual_router_id = 51
  virtual_ipaddress = ["192.168.2.11/24"]
}
virtual_server "192.168.2.11" "80" {
  lb_algo              = "sh"
  sh-port              = true
  sh-fallback          = true
  quorum               = 2
  sorry_server         = "10.10.10.99 80"
  sorry_server_inhibit = true
  real_server "10.10.10.11" "80" {
    uthreshold = 100
    lthreshold = 80
    TCP_CHECK {}
  }
  real_server "10.10.10.12" "80" {
    TCP_CHECK {}
  }
}
# One of three servers is lost: two are enough.
virtual_server "192.168.2.11" "443" {
  lb_algo                 = "mh"
  lb_kind                 = "TUN type gue port 6080 csum"
  persistence_timeout     = "30m"
  persistence_granularity = 24
  quorum                  = 2
  sorry_server            = "10.10.10.99 443"
  sorry_server_lvs_method = "NAT"
  real_server "10.10.10.11" "443" {
    TCP_CHECK {}
  }
  real_server "203.0.113.7" "443" {}
  real_server "203.0.113.8" "443" {
    lvs_method = "TUN type gre"
  }
}
virtual_server "192.168.2.11" "5060" {
  protocol            = "UDP"
  ops                 = true
  persistence_timeout = "5m"
  persistence_engine  = "sip"
  real_server "10.10.10.11" "5060" {}
}
virtual_server_group "many" {
  address = ["192.168.2.20-22 80", "192.168.2.32/31 8080"]
  fwmark  = [7, "8 inet"]
}
virtual_server "group" "many" {
  lb_kind = "TUN"
  real_server "203.0.113.7" "80" {
    TCP_CHECK { alpha = true }
  }
}
