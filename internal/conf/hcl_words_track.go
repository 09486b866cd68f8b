package conf

func hclScript() *hclBlock {
	return &hclBlock{
		labels:  []string{"name"},
		values:  []string{"interval", "timeout", "rise", "fall", "init_fail"},
		args:    []string{"weight", "user"},
		scripts: []string{"script"},
	}
}
