# who holds what
vrrp_instance "lb-1.example.org" {
  interface         = "eth2"
  virtual_router_id = 51
  priority          = lookup({ "lb-1.example.org" = 150, "lb-2.example.org" = 100 }, hostname, 50)
  advert_int        = "270ms"
  preempt           = false
  virtual_ipaddress = [
    { address = "192.168.2.11/24", dev = "eth0", label = "eth0:0" },
    { address = "10.10.10.9/24", dev = "eth1" },
  ]
}

vrrp_instance "lb-2.example.org" {
  interface         = "eth2"
  virtual_router_id = 52
  priority          = lookup({ "lb-2.example.org" = 150, "lb-1.example.org" = 100 }, hostname, 50)
  advert_int        = "270ms"
  preempt           = false
  virtual_ipaddress = ["192.168.3.1/32"]
}
