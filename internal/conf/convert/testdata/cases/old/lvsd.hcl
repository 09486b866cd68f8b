# telnet and web
virtual_server "192.168.1.110" "23" {
  protocol = "TCP"
  lb_algo  = "wlc"
  lb_kind  = "NAT"

  real_server "192.168.1.2" "23" {
    weight = 1
  }
}

# every port
virtual_server "192.168.1.110" "0" {
  protocol            = "TCP"
  lb_algo             = "rr"
  lb_kind             = "DR"
  persistence_timeout = "360s"

  real_server "192.168.1.3" "0" {
    weight = 2
  }
}
