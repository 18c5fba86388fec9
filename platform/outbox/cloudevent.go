package outbox

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// TypePrefix is what the types of our events begin with outside the house.
const TypePrefix = "com.openclaw.commerce."

// Name is how a type and version are called outside: OrderCreated of version 1 is "order.created.v1". The last word is what happened, those
// before it are the thing; a name with dots is taken as it is.
func Name(typ string, version int) string {
	v := ".v" + strconv.Itoa(version)
	if strings.Contains(typ, ".") {
		return strings.ToLower(typ) + v
	}
	var words []string
	start := 0
	for i, r := range typ {
		if i > start && unicode.IsUpper(r) {
			words = append(words, strings.ToLower(typ[start:i]))
			start = i
		}
	}
	words = append(words, strings.ToLower(typ[start:]))
	last := len(words) - 1
	if last == 0 {
		return words[0] + v
	}
	return strings.Join(words[:last], "_") + "." + words[last] + v
}

// Schema names the JSON Schema of a contract: its address below a source that is a web address, else the $id that the schema itself has.
func Schema(source, typ string, version int) string {
	name := Name(typ, version)
	if strings.HasPrefix(source, "https://") || strings.HasPrefix(source, "http://") {
		return strings.TrimSuffix(source, "/") + "/schemas/" + name + ".json"
	}
	return "urn:openclaw-commerce:schema:" + name
}

// CloudEvent renders a contract event as CloudEvents 1.0 in structured JSON; source says which installation tells it, as a URI.
// The extensions are aggregate, sequence (its number there, as text that sorts, by the sequence extension) and partitionkey.
// Faults: Invalid for an event that is no contract, or a source that is no URI.
func CloudEvent(e Stored, source string) ([]byte, error) {
	if !e.Contract {
		return nil, fault.New(fault.Invalid, "event %s (%s) is not told outside", e.ID, e.Type)
	}
	ce := event.New(event.CloudEventsVersionV1)
	ce.SetID(e.ID)
	ce.SetSource(source)
	ce.SetType(TypePrefix + Name(e.Type, e.Version))
	ce.SetSubject(e.Aggregate)
	ce.SetTime(e.OccurredAt)
	ce.SetDataSchema(Schema(source, e.Type, e.Version))
	ce.SetExtension("aggregate", e.Aggregate)
	ce.SetExtension("sequence", fmt.Sprintf("%010d", e.Seq))
	ce.SetExtension("partitionkey", e.Partition)
	if err := ce.SetData(event.ApplicationJSON, e.Body); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the body of event "+e.ID+" is no JSON")
	}
	if err := ce.Validate(); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "event "+e.ID+" is no CloudEvent")
	}
	return json.Marshal(ce)
}
