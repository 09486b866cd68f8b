vrrp_instance "Master" {
  interface         = "eth0"
  virtual_router_id = 51
  priority          = lookup({ Master = 150, Slave = 100 }, hostname, 50)
  advert_int        = "2s"
  preempt           = true
  virtual_ipaddress = [
    { address = "10.10.10.9/24", dev = "eth1" },
    "192.168.2.11/24",
  ]
}

# Configuration File for keepalived

#begin www server config.......
virtual_server "192.168.2.11" "80" {
  lb_algo         = "rr"
  lb_kind         = "NAT"
  protocol        = "TCP"
  delay_loop      = "60s"
  connect_timeout = "5s"

  real_server "10.10.10.11" "80" {
    weight = 1
    PING_CHECK {}
  }

  real_server "10.10.10.12" "80" {
    weight = 1
    PING_CHECK {}
  }

  real_server "10.10.10.13" "80" {
    weight = 1
    PING_CHECK {}
  }
}

#end of Fweb config!
