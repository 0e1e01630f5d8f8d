import _ from 'lodash';
export function reward({ response }) {
  return _.size(response);
}
