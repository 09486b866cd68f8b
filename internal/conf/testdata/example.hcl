vrrp_instance "web" {
  interface         = "eth0"
  virtual_router_id = 51
  priority          = lookup({ lb1 = 150, lb2 = 100 }, hostname, 50)
  advert_int        = "1s"
  virtual_ipaddress = [
    "192.168.2.11/24",
    { address = "10.10.10.9/24", dev = "eth1" }, # the V-gate
  ]
  track_interface "eth1" {}
}

virtual_server "192.168.2.11" "80" {
  lb_algo    = "rr"
  lb_kind    = "NAT"
  delay_loop = "5s"

  dynamic "real_server" {
    for_each = ["10.10.10.11", "10.10.10.12", "10.10.10.13"]
    labels   = [real_server.value, "80"]
    content {
      weight = 1
      PING_CHECK {}
      HTTP_GET {
        url "/healthz" { status_code = "200-299" }
        connect_timeout = "2s"
      }
    }
  }
}
virtual_server "fwmark" "100" { lb_algo = "sh" }
