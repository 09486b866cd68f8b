# lvsd.hcl once more, in the language of keepalived. It has no variable for the node's name, so
# each node has a file: lb1 and lb2 differ in router_id and priority. Both lvsd and keepalived
# read it, and a pair of one each works.

global_defs {
  router_id                = "lb1"
  vrrp_version             = 3
  vrrp_garp_master_refresh = "60s"
}

vrrp_instance "web" {
  state             = "BACKUP"
  interface         = "eth0"
  virtual_router_id = 51
  priority          = 150
  advert_int        = "1s"
  virtual_ipaddress = [
    "192.168.2.11/24",
    { address = "10.10.10.9/24", dev = "eth1" },
  ]
}

virtual_server "192.168.2.11" "80" {
  protocol           = "TCP"
  lb_algo            = "rr"
  lb_kind            = "NAT"
  delay_loop         = "2s"
  delay_before_retry = "1s"

  real_server "10.10.10.11" "80" {
    weight = 1

    PING_CHECK {
      connect_timeout = "1s"
    }

    HTTP_GET {
      http_protocol = "1.1"
      url "/" { status_code = 200 }
      connect_timeout = "1s"
    }
  }

  real_server "10.10.10.12" "80" {
    weight = 1

    PING_CHECK {
      connect_timeout = "1s"
    }

    HTTP_GET {
      http_protocol = "1.1"
      url "/" { status_code = 200 }
      connect_timeout = "1s"
    }
  }

  real_server "10.10.10.13" "80" {
    weight = 1

    PING_CHECK {
      connect_timeout = "1s"
    }

    HTTP_GET {
      http_protocol = "1.1"
      url "/" { status_code = 200 }
      connect_timeout = "1s"
    }
  }
}
