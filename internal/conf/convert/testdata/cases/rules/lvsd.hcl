virtual_server "202.103.106.5" "80" {
  protocol = "TCP"
  lb_algo  = "wrr"
  lb_kind  = "NAT"

  real_server "172.16.0.2" "80" {
    weight = 1
  }

  real_server "172.16.0.3" "8000" {
    weight = 2
  }
}

virtual_server "202.103.106.5" "21" {
  protocol            = "TCP"
  lb_algo             = "wrr"
  lb_kind             = "NAT"
  persistence_timeout = "540s"

  real_server "172.16.0.3" "21" {
    weight = 1
  }
}

virtual_server "fwmark" "1" {
  lb_algo = "wlc"
  lb_kind = "DR"

  real_server "10.0.0.1" "0" {
    weight = 1
  }
}

virtual_server "2001:db8::1" "443" {
  protocol = "TCP"
  lb_algo  = "rr"
  lb_kind  = "TUN"

  real_server "2001:db8::2" "443" {
    weight = 1
  }
}

virtual_server "202.103.106.6" "5060" {
  protocol                = "UDP"
  lb_algo                 = "sh"
  lb_kind                 = "NAT"
  persistence_timeout     = "300s"
  persistence_granularity = "255.255.255.0"
  persistence_engine      = "sip"
  ops                     = true
  sh-fallback             = true
  sh-port                 = true

  real_server "172.16.0.4" "5060" {
    weight     = 1
    uthreshold = 100
    lthreshold = 80
  }

  real_server "172.16.0.5" "5060" {
    weight = 1
  }
}

virtual_server "202.103.106.6" "9" {
  protocol = "SCTP"
  lb_algo  = "mh"
  lb_kind  = "NAT"
  flag-2   = true

  real_server "172.16.0.4" "9" {
    weight = 1
  }
}

virtual_server "192.168.2.12" "443" {
  protocol = "TCP"
  lb_algo  = "mh"
  lb_kind  = "TUN"
  mh-port  = true

  real_server "10.10.10.11" "443" {
    weight = 1
  }

  real_server "10.10.10.12" "443" {
    weight  = 1
    lb_kind = "TUN type gue port 6080 csum"
  }

  real_server "10.10.10.13" "443" {
    weight  = 1
    lb_kind = "TUN type gre"
  }

  real_server "10.10.10.14" "443" {
    weight  = 1
    lb_kind = "TUN type gue port 6080 remcsum"
  }

  real_server "10.10.10.15" "443" {
    weight  = 1
    lb_kind = "DR"
  }
}

virtual_server "202.103.106.6" "5060" {
  protocol            = "TCP"
  lb_algo             = "rr"
  lb_kind             = "NAT"
  persistence_timeout = "300s"

  real_server "172.16.0.4" "5060" {
    weight = 1
  }
}

virtual_server "fwmark" "100" {
  lb_algo = "wlc"
  lb_kind = "DR"

  real_server "10.10.10.11" "0" {
    weight = 1
  }
}

virtual_server "fwmark" "100" {
  ip_family = "inet6"
  lb_algo   = "rr"
  lb_kind   = "DR"

  real_server "2001:db8::11" "0" {
    weight = 1
  }
}

virtual_server "fwmark" "101" {
  ip_family = "inet6"
  lb_algo   = "rr"
  lb_kind   = "TUN"

  real_server "10.10.10.11" "0" {
    weight = 1
  }
}

virtual_server "fwmark" "102" {
  ip_family = "inet"
  lb_algo   = "rr"
  lb_kind   = "TUN"

  real_server "2001:db8::11" "0" {
    weight = 1
  }
}
