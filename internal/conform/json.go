package conform

import (
	"bytes"
	"encoding/json"
	"fmt"
)

const zeroTime = "0001-01-01T00:00:00Z"

// JSON is a value as indented JSON without its empty members (nil, "", 0, false, the zero time), so that a golden shows what is said and nothing else.
func JSON(v any) (string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return "", err
	}
	if tree = prune(tree); tree == nil {
		tree = map[string]any{}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "\t")
	if err := enc.Encode(tree); err != nil {
		return "", err
	}
	return out.String(), nil
}

func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, member := range v {
			if v[k] = prune(member); v[k] == nil {
				delete(v, k)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
		for i := range v {
			if v[i] = prune(v[i]); v[i] == nil {
				v[i] = map[string]any{} // a list keeps its length
			}
		}
	case string:
		if v == "" || v == zeroTime {
			return nil
		}
	case json.Number:
		if v == "0" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	case nil:
	default:
		panic(fmt.Sprintf("conform: %T in decoded JSON", v))
	}
	return v
}
