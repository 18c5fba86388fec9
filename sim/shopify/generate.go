package shopify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/brianvoe/gofakeit/v7"
)

// people of a country: names, streets, cities with province and postcode, and how a mobile number looks (# is a digit).
type people struct {
	first, last []string
	streets     []string
	cities      [][4]string // city, province, province code, postcode
	phone       string
	shipping    []string // what delivery costs
	cod         int      // orders in a hundred that are paid at the door
}

var folks = map[string]people{
	"PK": {
		first: []string{"Ayesha", "Bilal", "Fatima", "Hamza", "Zainab", "Usman", "Sana", "Ahmed", "Mahnoor", "Faisal", "عائشہ", "محمد", "زینب"},
		last:  []string{"Khan", "Malik", "Siddiqui", "Butt", "Chaudhry", "Qureshi", "Baig", "Abbasi", "Memon", "خان", "ملک"},
		streets: []string{
			"House %d, Street 7, Phase 5 DHA", "Flat %d, Block 13-D, Gulshan-e-Iqbal", "%d-B, Model Town", "Shop %d, Saddar Bazaar", "مکان نمبر %d، گلی 4، ماڈل ٹاؤن",
		},
		cities: [][4]string{
			{"Karachi", "Sindh", "SD", "75500"},
			{"Lahore", "Punjab", "PB", "54000"},
			{"Islamabad", "Islamabad Capital Territory", "IS", "44000"},
			{"Peshawar", "Khyber Pakhtunkhwa", "KP", "25000"},
			{"Faisalabad", "Punjab", "PB", "38000"},
			{"کراچی", "Sindh", "SD", "75500"},
		},
		phone: "+92 3## #######", shipping: []string{"0", "200", "250", "350"}, cod: 65,
	},
	"AE": {
		first:   []string{"Mohammed", "Fatima", "Omar", "Aisha", "Khalid", "Noura", "Priya", "James", "محمد", "فاطمة"},
		last:    []string{"Al Mansoori", "Al Zaabi", "Hussain", "Nair", "Khan", "Smith", "Al Shamsi", "المنصوري"},
		streets: []string{"Villa %d, Street 12, Jumeirah 1", "Apt %d, Marina Heights Tower", "Office %d, Al Maktoum Road", "شقة %d، شارع الشيخ زايد"},
		cities:  [][4]string{{"Dubai", "Dubai", "DU", ""}, {"Abu Dhabi", "Abu Dhabi", "AZ", ""}, {"Sharjah", "Sharjah", "SH", ""}, {"Ajman", "Ajman", "AJ", ""}},
		phone:   "+971 5# ### ####", shipping: []string{"0", "15", "25"}, cod: 35,
	},
	"DE": {
		first:   []string{"Anna", "Jürgen", "Lukas", "Sophie", "Björn", "Mia", "Cem", "Łukasz"},
		last:    []string{"Müller", "Schmidt", "Groß", "Yılmaz", "Weber", "von der Heide", "Köhler"},
		streets: []string{"Hauptstraße %d", "Am Alten Markt %d", "Königsallee %d a", "Schönhauser Allee %d"},
		cities:  [][4]string{{"Berlin", "", "", "10437"}, {"München", "", "", "80331"}, {"Düsseldorf", "", "", "40212"}, {"Hamburg", "", "", "20095"}},
		phone:   "+49 15# ########", shipping: []string{"0", "4.90", "6.90"}, cod: 0,
	},
}

// Generate yields n orders of the mix a real shop sees: one to five lines of what is on sale, buyers of the shop's country with its names,
// scripts and numbers, cash on delivery where people pay so, discounts of every kind, free and paid shipping, foreign currencies where the
// shop takes them. The same seed and the same catalogue give the same orders. Nothing is placed.
func (s *Shop) Generate(seed uint64, n int) []OrderSpec {
	s.mu.Lock()
	skus := []string{}
	for _, p := range s.products {
		for _, v := range p.variants {
			if v.sku != "" && !slices.Contains(skus, v.sku) {
				skus = append(skus, v.sku)
			}
		}
	}
	currencies := []string{}
	for c := range s.rates {
		currencies = append(currencies, c)
	}
	s.mu.Unlock()
	if len(skus) == 0 {
		return nil
	}
	slices.Sort(currencies)
	g := &generator{
		s: s, rnd: rand.New(rand.NewPCG(seed, 0x0de5)), fake: gofakeit.NewFaker(rand.NewPCG(seed, 0xfa4e), true), skus: skus, currencies: currencies, country: s.cfg.Country,
	}
	if _, ok := folks[g.country]; !ok {
		g.country = "PK"
	}
	list := make([]OrderSpec, 0, n)
	for range n {
		list = append(list, g.order())
	}
	return list
}

type generator struct {
	s          *Shop
	rnd        *rand.Rand
	fake       *gofakeit.Faker
	skus       []string
	currencies []string
	country    string
}

func pickOne[T any](g *generator, list []T) T { return list[g.rnd.IntN(len(list))] }

func (g *generator) chance(percent int) bool { return g.rnd.IntN(100) < percent }

func (g *generator) order() OrderSpec {
	f := folks[g.country]
	buyer, addr := g.person(f)
	spec := OrderSpec{Buyer: &buyer, Shipping: &addr, ShippingPrice: pickOne(g, f.shipping), ShippingTitle: "Standard delivery"}
	used := map[string]bool{}
	for range 1 + min(g.rnd.IntN(5), g.rnd.IntN(5)) {
		sku := pickOne(g, g.skus)
		if used[sku] {
			continue
		}
		used[sku] = true
		spec.Lines = append(spec.Lines, LineSpec{SKU: sku, Quantity: 1 + min(g.rnd.IntN(4), g.rnd.IntN(4))})
	}
	spec.COD = g.chance(f.cod)
	if !spec.COD && len(g.currencies) > 0 && g.chance(30) {
		spec.Currency = pickOne(g, g.currencies)
	}
	g.discounts(&spec)
	g.oddities(&spec)
	return spec
}

func (g *generator) discounts(spec *OrderSpec) {
	switch {
	case g.chance(15):
		spec.Discount = append(spec.Discount, DiscountSpec{Code: pickOne(g, []string{"EID10", "WELCOME", "AZADI14"}), Percent: pickOne(g, []string{"0.1", "0.14", "0.05"})})
	case g.chance(8):
		spec.Discount = append(spec.Discount, DiscountSpec{Title: "Bundle offer", Percent: "0.25", Lines: []int{0}})
	case g.chance(8):
		spec.Discount = append(spec.Discount, DiscountSpec{Title: "Sorry for the delay", Manual: true, Amount: "7"})
	}
	if g.chance(6) {
		spec.Discount = append(spec.Discount, DiscountSpec{Code: "FREESHIP", Percent: "1", Shipping: true})
	}
}

func (g *generator) oddities(spec *OrderSpec) {
	if !spec.COD && g.chance(4) {
		spec.Payments = []PaymentSpec{{Kind: "AUTHORIZATION"}}
	}
	if !spec.COD && g.chance(3) {
		spec.Payments = []PaymentSpec{{Status: "FAILURE"}, {Gateway: "gift_card", Amount: "1"}, {}}
	}
	if g.chance(3) {
		spec.Tip = "5"
	}
	if g.chance(10) {
		spec.Note = pickOne(g, []string{"Please call before delivery", "Gift, no invoice in the box", "براہ کرم پہنچنے سے پہلے فون کریں"})
	}
	if g.chance(5) {
		spec.Attrs = map[string]string{"gift_wrap": "yes"}
	}
	if g.chance(2) {
		spec.Lines = append(spec.Lines, LineSpec{Title: "Engraving", Quantity: 1, Price: "9.5"})
		if exponent(g.s.cfg.Currency) == 0 {
			spec.Lines[len(spec.Lines)-1].Price = "9"
		}
	}
}

func (g *generator) person(f people) (Person, Address) {
	digits := func(pattern string) string {
		var b strings.Builder
		for _, r := range pattern {
			if r == '#' {
				r = '0' + rune(g.rnd.IntN(10))
			}
			b.WriteRune(r)
		}
		return b.String()
	}
	city := pickOne(g, f.cities)
	p := Person{FirstName: pickOne(g, f.first), LastName: pickOne(g, f.last), Phone: strings.ReplaceAll(digits(f.phone), " ", "")}
	if g.chance(85) {
		p.Email = strings.ToLower(g.fake.Username()) + digits("##") + "@example.com" // reserved for examples: never delivered
	}
	addr := Address{
		FirstName: p.FirstName, LastName: p.LastName, Address1: fmt.Sprintf(pickOne(g, f.streets), 1+g.rnd.IntN(240)), City: city[0], Province: city[1],
		ProvinceCode: city[2], Zip: city[3], Country: g.country, Phone: digits(f.phone),
	}
	if g.chance(10) {
		addr.Company = g.fake.Company()
	}
	if g.chance(20) {
		addr.Address2 = "Near " + g.fake.LastName() + " Pharmacy"
	}
	return p, addr
}
