// Package savedobject writes Kibana's saved objects in the form that its import takes: data
// views, Discover sessions, tags, and dashboards whose Lens panels, controls and links are
// held by value. It knows the form of Kibana 8.14 and later, and nothing of flows.
//
// What is declared is a value; Object makes the saved object of it. The declarations are
// written by people who see the test fail, so Object panics over one that cannot be.
package savedobject
