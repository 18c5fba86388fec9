package daraz

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/brianvoe/gofakeit/v7"
)

// places are cities buyers live in, with their province and areas; each venture's own.
var places = map[string][]struct {
	city, province, post string
	areas                []string
}{
	"pk": {
		{"Karachi", "Sindh", "75500", []string{"Clifton", "Gulshan-e-Iqbal", "DHA Phase 6", "North Nazimabad"}},
		{"Lahore", "Punjab", "54000", []string{"Gulberg", "Model Town", "Johar Town", "DHA Phase 5"}},
		{"Islamabad", "Federal Capital", "44000", []string{"F-7", "G-11", "I-8", "Bahria Town"}},
		{"Faisalabad", "Punjab", "38000", []string{"Madina Town", "Peoples Colony"}},
		{"Peshawar", "Khyber Pakhtunkhwa", "25000", []string{"Hayatabad", "University Town"}},
		{"Quetta", "Balochistan", "87300", []string{"Satellite Town", "Jinnah Town"}},
		{"Multan", "Punjab", "60000", []string{"Cantt", "Shah Rukn-e-Alam"}},
	},
	"bd": {{"Dhaka", "Dhaka", "1207", []string{"Mohammadpur", "Gulshan", "Uttara"}}, {"Chattogram", "Chattogram", "4000", []string{"Agrabad", "Khulshi"}}},
	"lk": {{"Colombo", "Western", "00700", []string{"Cinnamon Gardens", "Wellawatte"}}, {"Kandy", "Central", "20000", []string{"Peradeniya"}}},
	"np": {{"Kathmandu", "Bagmati", "44600", []string{"Baneshwor", "Thamel"}}, {"Pokhara", "Gandaki", "33700", []string{"Lakeside"}}},
	"mm": {{"Yangon", "Yangon", "11181", []string{"Bahan", "Kamayut"}}, {"Mandalay", "Mandalay", "05011", []string{"Chanayethazan"}}},
}

// names buyers have, given names and family names.
var (
	given  = strings.Fields("Ahmed Ali Hassan Usman Bilal Hamza Omar Imran Faisal Zain Ayesha Fatima Zainab Maryam Hira Sana Nida Iqra Rabia Mahnoor")
	family = strings.Fields("Khan Malik Butt Chaudhry Sheikh Qureshi Siddiqui Hashmi Mirza Raza Baloch Afridi Abbasi Iqbal Akhtar")
)

// prefixes and lengths of mobile numbers.
var mobiles = map[string]struct {
	prefix string
	digits int
}{"pk": {"923", 9}, "bd": {"8801", 9}, "lk": {"947", 8}, "np": {"9779", 9}, "mm": {"959", 9}}

// Generate makes n orders as this shop's buyers would place them: mostly cash on delivery, one to four SKUs with repeated units, vouchers of
// both kinds, shipping with discounts, now and then a unit from Daraz's warehouse or a prepaid order not paid yet. The same seed and the same
// listings make the same orders. They are not placed.
func (s *Shop) Generate(seed uint64, n int) []OrderSpec {
	s.m.mu.Lock()
	type listed struct {
		sku     string
		price   int64
		central bool
	}
	var skus []listed
	for _, p := range s.products {
		if p.active {
			skus = append(skus, listed{p.sku, p.price, p.central > 0})
		}
	}
	s.m.mu.Unlock()
	if len(skus) == 0 {
		return nil
	}
	rnd := rand.New(rand.NewPCG(seed, 0x0ed3))
	fake := gofakeit.NewFaker(rnd, false)
	specs := make([]OrderSpec, 0, n)
	for range n {
		spec := OrderSpec{Buyer: s.m.buyer(rnd, fake), Payment: "COD", Note: ""}
		if rnd.IntN(100) >= 85 {
			spec.Payment = []string{"MIXEDCARD", "PAYMENT_ACCOUNT", "IPP"}[rnd.IntN(3)]
			spec.Paid = rnd.IntN(10) > 0
		}
		var total int64
		for _, i := range rnd.Perm(len(skus))[:min(1+rnd.IntN(4), len(skus))] {
			item := ItemSpec{SKU: skus[i].sku, Quantity: 1}
			if rnd.IntN(4) == 0 {
				item.Quantity += 1 + rnd.IntN(2)
			}
			item.Central = skus[i].central && rnd.IntN(3) == 0
			total += skus[i].price * int64(item.Quantity)
			spec.Items = append(spec.Items, item)
		}
		spec.discount(rnd, total)
		if rnd.IntN(12) == 0 {
			spec.Note = "Please call before delivery"
		}
		specs = append(specs, spec)
	}
	return specs
}

// discount adds shipping and vouchers of plausible sizes.
func (o *OrderSpec) discount(rnd *rand.Rand, total int64) {
	o.Shipping = []int64{0, 9900, 13500, 19900, 25050}[rnd.IntN(5)]
	if o.Shipping > 0 && rnd.IntN(3) == 0 {
		o.ShippingPlatformDiscount = o.Shipping / int64(1+rnd.IntN(3))
	}
	if o.Shipping > 0 && rnd.IntN(5) == 0 {
		o.ShippingSellerDiscount = min(5000, o.Shipping-o.ShippingPlatformDiscount)
	}
	if rnd.IntN(4) == 0 {
		o.VoucherSeller = total * int64(3+rnd.IntN(10)) / 100
	}
	if rnd.IntN(4) == 0 {
		o.VoucherPlatform = min(total/10, 50000) - total%7
	}
	o.VoucherPlatform = max(0, o.VoucherPlatform)
	if o.VoucherSeller+o.VoucherPlatform > 0 {
		o.VoucherCode = fmt.Sprintf("DZ%06d", rnd.IntN(1_000_000))
	}
}

func (m *Market) buyer(rnd *rand.Rand, fake *gofakeit.Faker) Buyer {
	at := places[m.cfg.Venture][rnd.IntN(len(places[m.cfg.Venture]))]
	mobile := mobiles[m.cfg.Venture]
	phone := mobile.prefix
	for range mobile.digits {
		phone += string(rune('0' + rnd.IntN(10)))
	}
	area := at.areas[rnd.IntN(len(at.areas))]
	return Buyer{
		Name:   given[rnd.IntN(len(given))] + " " + family[rnd.IntN(len(family))],
		Phone:  phone,
		Street: fmt.Sprintf("House %d, %s %d, %s", 1+rnd.IntN(400), "Street", 1+rnd.IntN(60), fake.StreetName()),
		Area:   area, City: at.city, Province: at.province, PostCode: at.post,
	}
}
