package conf

// Secret is a password or key. It is printed by nothing that prints a configuration.
type Secret string

// String is not the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(not shown)"
}

// GoString is not the secret either, for %#v.
func (s Secret) GoString() string { return s.String() }
