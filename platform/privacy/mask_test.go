package privacy_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/platform/privacy"
)

func TestMask(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mask     func(string) string
		in, want string
	}{
		{privacy.MaskName, "Muhammad Khan", "M••••• K•••"},
		{privacy.MaskName, "  Li  ", "L•"},
		{privacy.MaskName, "محمد خان", "م••• خ••"},
		{privacy.MaskName, "", ""},
		{privacy.MaskPhone, "+923001234547", "+92 3•• •••••47"},
		{privacy.MaskPhone, "0300 1234547", "030••••••47"},
		{privacy.MaskPhone, "12345", "•••••"},
		{privacy.MaskPhone, "", ""},
		{privacy.MaskEmail, "amina@example.com", "a••••@e•••••.com"},
		{privacy.MaskEmail, "no address", "n• a•••••"},
		{privacy.MaskEmail, "", ""},
		{privacy.MaskLine, "House 12, Street 4", "••••• ••, •••••• •"},
		{privacy.MaskLine, strings.Repeat("a", 30), strings.Repeat("•", 24) + "…"},
	} {
		if got := tt.mask(tt.in); got != tt.want {
			t.Errorf("%q is shown as %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestRecordMask(t *testing.T) {
	t.Parallel()
	asked := privacy.Record{Lines: []privacy.LineNote{{Line: "1", Name: "Engraving", Value: "for Zainab"}}}
	if got := asked.Mask(); got.Lines[0].Value != "••• ••••••" || asked.Lines[0].Value != "for Zainab" || asked.IsZero() {
		t.Errorf("what is asked of a line is shown as %q", got.Lines[0].Value)
	}
	want := privacy.Record{
		Account: "a1", External: "1001", Note: "•••• ••• •••• •••••",
		Person: privacy.Person{Name: "M••••• K•••", Email: "M•••••@E•••••.com", Phone: "030••••••47"},
		ShipTo: privacy.Address{
			Name: "M••••• K•••", Line1: "••••• ••, •••••• •", District: "•••", City: "Lahore", Province: "Punjab",
			Postcode: "540••", Country: "PK", Masked: true,
		},
		BillTo: privacy.Address{Masked: true},
	}
	if diff := cmp.Diff(want, record().Mask()); diff != "" {
		t.Errorf("masked (-want +got):\n%s", diff)
	}
}

func TestNormalPhone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ phone, country, want string }{
		{"0300 1234567", "PK", "+923001234567"},
		{"0300-1234567", "pk", "+923001234567"},
		{"00923001234567", "PK", "+923001234567"},
		{"+971 50 123 4567", "PK", "+971501234567"},
		{"0151 23456789", "DE", "+4915123456789"},
		{"٠٣٠٠١٢٣٤٥٦٧", "PK", "+923001234567"},
		{"0300 1234567", "", ""},
		{"92********67", "PK", ""},
		{"12", "PK", ""},
		{"", "PK", ""},
		{strings.Repeat("1", 100), "PK", ""},
	} {
		got, ok := privacy.NormalPhone(tt.phone, tt.country)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%q in %q is %q, %v; want %q", tt.phone, tt.country, got, ok, tt.want)
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{"Muhammad Khan", "+923001234567", "a@b.c", "House 12", "@", "+", "\xff\xfe", "محمد", ".@.", "+1234567"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, mask := range []func(string) string{privacy.MaskName, privacy.MaskPhone, privacy.MaskEmail, privacy.MaskLine} {
			if got := mask(s); utf8.ValidString(s) && !utf8.ValidString(got) {
				t.Errorf("%q is shown as %q", s, got)
			}
		}
		if strings.IndexFunc(privacy.MaskLine(s), func(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }) >= 0 {
			t.Errorf("%q shows through", s)
		}
		privacy.NormalPhone(s, "PK")
		privacy.NormalEmail(s)
	})
}
