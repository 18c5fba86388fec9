package broken

import "strconv"

func price(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64)
	return f
}
