# One file for two nodes.
vrrp_instance "web" {
  interface           = "eth0"
  virtual_router_id   = 51
  priority            = 150
  version             = 2
  garp_master_refresh = "0s"
  virtual_ipaddress = [
    "192.168.2.11/24", # the VIP
  ]
}

virtual_server "192.168.2.11" "80" {
  protocol        = "TCP"
  lb_algo         = "rr"
  delay_loop      = "60s"
  connect_timeout = "5s"

  # web1 to web3
  dynamic "real_server" {
    for_each = ["10.10.10.11", "10.10.10.12", "10.10.10.13"]
    labels   = [real_server.value, "80"]

    content {
      PING_CHECK {}
    }
  }
}
