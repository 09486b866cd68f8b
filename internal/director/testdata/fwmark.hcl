virtual_server "fwmark" "100" {
  lb_algo             = "mh"
  persistence_timeout = "5m"
  real_server "10.0.0.1" "0" {}
  real_server "10.0.0.2" "0" { weight = 0 }
}
virtual_server "fwmark" "101" {
  lb_kind = "DR"
  real_server "2001:db8::1" "0" {}
}
virtual_server "fwmark" "102" {}
