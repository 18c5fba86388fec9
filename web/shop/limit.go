package shop

// Limits bound what one caller may do. They count in this process: behind several, each counts its own.
type Limits struct {
	PerSecond     float64 // requests of one address, sustained; default 10
	Burst         int     // default 60
	ProofsPerHour int     // tries of number and phone: of one address, and of one order number; default 30
	ProofBurst    int     // default 10
}

func (l Limits) withDefaults() Limits {
	if l.PerSecond == 0 {
		l.PerSecond = 10
	}
	if l.Burst == 0 {
		l.Burst = 60
	}
	if l.ProofsPerHour == 0 {
		l.ProofsPerHour = 30
	}
	if l.ProofBurst == 0 {
		l.ProofBurst = 10
	}
	return l
}
