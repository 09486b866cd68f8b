# network: what the words say together, all of it refused
vrrp_instance "a" {
  interface         = "eth0"
  state             = "MASTER"
  nopreempt         = true
  version           = 2
  virtual_router_id = 1
  advert_int        = 2.6
  virtual_ipaddress = ["10.0.0.1", "10.0.0.1/24"]
}
vrrp_instance "a" {
  interface         = "eth0"
  virtual_router_id = 1
  preempt           = false
  nopreempt         = false
  advert_int        = "125ms"
  virtual_ipaddress = ["10.0.0.1", "10.0.0.2"]
}
vrrp_instance "c" {
  interface         = "eth0"
  virtual_router_id = 3
  priority          = 255
  preempt           = false
  virtual_ipaddress = ["10.0.0.3"]
}
vrrp_instance "none" {}
vrrp_sync_group "g" { group = ["b", "nome", "none", "none"] }
virtual_server "10.0.0.1" "80" {
  lb_algo   = "rr"
  lvs_sched = "rr"
  real_server "10.0.0.2" "80" {}
  real_server "10.0.0.2" "80" {}
  real_server "10.0.0.3" "0" {}
}
virtual_server "10.0.0.1" "0" {
  real_server "10.0.0.2" "" {}
}
virtual_server "10.0.0.1" "443" {
  lb_kind = "DR"
  real_server "10.0.0.2" "8443" {}
}
virtual_server "fwmark" "1" { protocol = "TCP" }
virtual_server "group" "web" {}
