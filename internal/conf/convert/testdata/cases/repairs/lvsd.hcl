# What keepalived bears, and makes something of.
vrrp_instance "a" {
  interface           = "eth0"
  state               = "MASTER"
  virtual_router_id   = 2 # the later one counts
  advert_int          = "2s"
  version             = 2
  priority            = 255
  garp_master_refresh = "0s"
  virtual_ipaddress = [
    "10.0.0.1",
    # more of them
    { address = "10.0.0.2/24", dev = "eth1", scope = "link" },
  ]
}

virtual_server "10.0.0.1" "0" {
  lb_kind             = "DR"
  protocol            = "UDP"
  persistence_timeout = "360s"
  delay_loop          = "60s"
  connect_timeout     = "5s"

  real_server "10.0.1.1" "0" {
    weight = 0
    TCP_CHECK {}

    HTTP_GET {
      delay_before_retry = "3s"
      http_protocol      = "1.0"
      url "/" {}
    }
  }

  # twice
  real_server "10.0.1.2" "0" {
    inhibit_on_failure = true
    connect_timeout    = "2s"

    TCP_CHECK {
      delay_before_retry = "250ms"
    }
  }
}

virtual_server "fwmark" "7" {
  persistence_timeout = "360s"
  delay_loop          = "60s"
  connect_timeout     = "5s"
  delay_before_retry  = "3s"

  real_server "10.0.1.3" "53" {
    SSL_GET {
      http_protocol = "1.0"
      enable_sni    = false
      url "/" { status_code = 204 }
    }
  }
}
