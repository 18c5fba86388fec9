package shop

import "cmp"

// Limits bound what one caller may do. They count in this process: behind several, each counts its own.
type Limits struct {
	PerSecond     float64 // requests of one address, sustained; default 10
	Burst         int     // default 60
	ProofsPerHour int     // tries of number and phone: of one address, and of one order number; default 30
	ProofBurst    int     // default 10
}

func (l Limits) withDefaults() Limits {
	return Limits{cmp.Or(l.PerSecond, 10), cmp.Or(l.Burst, 60), cmp.Or(l.ProofsPerHour, 30), cmp.Or(l.ProofBurst, 10)}
}
