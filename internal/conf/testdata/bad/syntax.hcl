vrrp_instance "a" {
  interface = 
  priority = 10 state = "MASTER"
}
virtual_server 10.0.0.1:80 
}
