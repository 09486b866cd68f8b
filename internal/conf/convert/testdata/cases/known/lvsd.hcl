# who is told
global_defs {
  # no more
  router_id = "lb1"
}

# a script that nobody runs
vrrp_instance "web" {
  interface         = "eth0"
  virtual_router_id = 51
  # tell the others
  notify_master       = "/usr/local/bin/tell master" # now
  advert_int          = "1s"
  version             = 2
  garp_master_refresh = "0s"
  virtual_ipaddress   = [{ address = "192.168.2.11/24", brd = "192.168.2.255", dev = "eth0" }]
}

virtual_server "192.168.2.11" "http" {
  protocol        = "TCP"
  delay_loop      = "60s"
  connect_timeout = "5s"

  real_server "10.10.10.11" "http" {
    notify_down = "/bin/true"

    TCP_CHECK {
      warmup = "3s"
    }
  }
}
