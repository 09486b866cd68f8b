# labels: a number without quotes, which HCL's own error does not explain
virtual_server "192.168.2.11" 80 {
  real_server 10.10.10.11 80 {
    weight = 1
  }
  real_server "10.10.10.12" 80 { weight = 2 }
}
virtual_server fwmark 100 { lb_algo = "sh" }
